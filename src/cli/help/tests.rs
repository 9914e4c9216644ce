use super::*;
use std::collections::BTreeSet;

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c))
}

/// Calls `each` with every text that help shows.
fn texts(command: &Command, each: &mut dyn FnMut(&str)) {
    let styled =
        [command.get_about(), command.get_long_about(), command.get_after_help(), command.get_after_long_help()];
    styled.into_iter().flatten().for_each(|text| each(&text.to_string()));
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        [arg.get_help(), arg.get_long_help()].into_iter().flatten().for_each(|text| each(&text.to_string()));
        arg.get_help_heading().into_iter().for_each(&mut *each);
        if arg.get_action().takes_values() {
            arg.get_value_names().unwrap_or_default().iter().for_each(|name| each(name));
            let values = arg.get_possible_values();
            values.iter().filter_map(|value| value.get_help()).for_each(|help| each(&help.to_string()));
        }
    }
    command.get_subcommands().for_each(|command| texts(command, each));
}

#[test]
fn every_text_of_the_command_tree_has_its_chinese_and_no_chinese_is_left_over() {
    let mut used = BTreeSet::new();
    texts(&Cli::command(), &mut |text| {
        let known = t::of(text);
        assert!(known.is_some(), "no Chinese in lang/help.rs for: {text}");
        used.insert(text.to_owned());
    });
    // Names from T_, V_ and H_ stand for texts of the tree.
    for (name, text) in t::ALL.iter().filter(|(name, _)| ["T_", "V_", "H_"].iter().any(|head| name.starts_with(head))) {
        assert!(used.contains(text.en), "{name} is no text of the command line any more");
    }
}

#[test]
fn chinese_help_holds_no_english_sentence() {
    // Three lower-case words in a row are a sentence; options, file names and codes are not.
    let sentence = regex::Regex::new(r"\b[A-Za-z]?[a-z]+ [a-z]+ [a-z]+\b").unwrap();
    let headings =
        regex::Regex::new(r"(?m)^(Usage|Commands|Options|Arguments)|\[(OPTIONS|default|possible|aliases|COMMAND)")
            .unwrap();
    let mut command = command(Lang::ZhCn);
    command.build();
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert!(names.len() > 8);
    let mut paths: Vec<Vec<&str>> = vec![vec!["pmlblame"]];
    paths.extend(names.iter().map(|name| vec!["pmlblame", name.as_str()]));
    for path in paths {
        for flag in ["-h", "--help"] {
            let arguments = path.iter().copied().chain([flag]);
            let error = super::command(Lang::ZhCn).try_get_matches_from(arguments).unwrap_err();
            let (text, more) = said(&error, Lang::ZhCn);
            assert_eq!(more, "");
            assert!(has_chinese(&text) && text.contains("用法：") && text.contains("选项:"), "{text}");
            for line in text.lines() {
                // What a person types after `例如` is Process Monitor's own English.
                let line = line.replace("Path ends with", "").replace("Time of Day", "");
                assert!(!sentence.is_match(&line), "{path:?} {line}");
                assert!(!headings.is_match(&line), "{path:?} {line}");
                let width: usize = line.chars().filter_map(UnicodeWidthChar::width).sum();
                assert!(width <= WIDEST + 20, "{width}: {line}");
            }
        }
    }
}

#[test]
fn usage_errors_are_said_in_chinese() {
    for (arguments, expected) in [
        (&["pmlblame"][..], "缺少必需的参数：<捕获文件>..."),
        (&["pmlblame", "x.PML", "--wdth", "80"], "无法识别的参数“--wdth”；是否要用“--width”？"),
        (&["pmlblame", "x.PML", "--width", "many"], "--width <列> 的值“many”无效"),
        (&["pmlblame", "x.PML", "--profile", "none"], "--profile <预设> 的值“none”无效；可取值：servicing、any"),
        (&["pmlblame", "x.PML", "--width"], "--width <列> 需要一个值"),
        (&["pmlblame", "x.PML", "--width", "80", "--width", "90"], "--width <列> 只能指定一次"),
        (&["pmlblame", "x.PML", "--redact-key", "k"], "缺少必需的参数：--redact"),
        (&["pmlblame", "cbs", "x", "--nonsense-of-all-kinds"], "无法识别的参数“--nonsense-of-all-kinds”"),
        (&["pmlblame", "restore"], "缺少必需的参数：--key <文件>、<已替换的文件>"),
    ] {
        let error = command(Lang::ZhCn).try_get_matches_from(arguments).unwrap_err();
        let (first, more) = said(&error, Lang::ZhCn);
        assert_eq!(first, expected, "{arguments:?}");
        assert!(
            more.ends_with("详细说明请运行 --help。") && !more.contains("Usage") && !more.contains("[OPTIONS]"),
            "{more}"
        );
    }
}

#[test]
fn the_language_is_found_before_the_rest_is_understood() {
    let find = |arguments: &[&str]| language(arguments.iter().map(OsString::from));
    assert_eq!(find(&["--nonsense", "--lang", "zh-CN"]), Lang::ZhCn);
    assert_eq!(find(&["cbs", "--lang=zh", "--help"]), Lang::ZhCn);
    assert_eq!(find(&["--lang", "en"]), Lang::En);
    let locale = term::locale_language();
    assert_eq!(find(&["--", "--lang", "zh-CN"]), locale);
    assert_eq!(find(&["--lang", "klingon"]), locale);
}

#[test]
fn chinese_text_breaks_between_characters_and_not_before_what_closes() {
    assert_eq!(wrapped("一二三，四五", 8), "一二三，\n四五");
    assert_eq!(wrapped("一二三四，五", 8), "一二三\n四，五");
    assert_eq!(wrapped("see CBS.log 日志 and more", 12), "see CBS.log\n日志 and\nmore");
    assert_eq!(wrapped("一\n二", 80), "一\n二");
}
