//! Who issued an operation: a process, or a kernel driver in its name (VI-3).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod verdicts;

use serde_json::Value;
use verdicts::{Built, failures};

/// Windows' installer, and a stranger; the kernel with drivers of different makers.
const MACHINE: &str = r#"start 2022-10-08T05:50:48Z
computer PC
os 10.0.17763
system-root C:\Windows
let D = C:\Windows\System32\drivers
let MS = "Microsoft Corporation"
let F = C:\Windows\WinSxS\Temp\InFlight\e78f07ebd9dad801274b0000e80dc013\f.dll
process 4 System
process 100 A.exe
  image C:\Prog\A.exe
  company Acme
process 300 TiWorker.exe
  image C:\Windows\WinSxS\amd64_x\TiWorker.exe
  company ${MS}
process 310 TrustedInstaller.exe
  image C:\Windows\servicing\TrustedInstaller.exe
  company ${MS}
"#;

const KERNEL: &str = r"kernel C:\Windows\System32\ntoskrnl.exe base=0xfffff80000000000 size=0x1000000 company=${MS}
kernel ${D}\FLTMGR.SYS base=0xfffff80100000000 size=0x100000 company=${MS}
";

/// The frames that carry a request to the filter manager, and those of a thread's own request.
const STACKS: &str = r"stack carried = FLTMGR.SYS+0x100,FLTMGR.SYS+0x200,ntoskrnl.exe+0x100,ntoskrnl.exe+0x200,ntoskrnl.exe+0x300
stack own = @carried,ntoskrnl.exe+0x400,0x7ff700001000
stack within = FLTMGR.SYS+0x300,ntoskrnl.exe+0x100,ntoskrnl.exe+0x500,0x7ff700001000
";

/// The file is made and closed; `open` is an open that outlasts the refusal of TiWorker.exe; then all goes well.
fn held_by(open: &str, close: &str) -> String {
    format!(
        "+1 TiWorker.exe CreateFile ${{F}} access=GENERIC_READ,GENERIC_WRITE share=R disposition=CREATE stack=@own
+1.1 TiWorker.exe CloseFile ${{F}} stack=@own
+1.2 {open}
+2 TiWorker.exe CreateFile ${{F}} access=DELETE share=RWD stack=@own -> SHARING VIOLATION
+3 {close}
+3.1 TiWorker.exe CreateFile ${{F}} access=DELETE share=RWD stack=@own
+3.2 TiWorker.exe CloseFile ${{F}} stack=@own
+9 A.exe CreateFile C:\\x access=READ_DATA share=RWD stack=@own
+9.1 A.exe CloseFile C:\\x stack=@own
"
    )
}

fn built(kernel: &str, lines: &str) -> Built {
    Built::of(&format!("{MACHINE}{kernel}{STACKS}{lines}"))
}

fn usual(built: &Built) -> Value {
    serde_json::from_str(&built.run(&["c.PML", "--json", "-"])).unwrap()
}

/// Of whom the verdict speaks, how surely, and the caveats.
fn verdict(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = |list: &Value, one: &dyn Fn(&Value) -> String| {
        list.as_array().unwrap().iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let holder = |holder: &Value| {
        let name = if holder["driver"].is_object() { &holder["driver"]["name"] } else { &holder["process"]["name"] };
        format!("{} {} {}", text(name), text(&holder["party"]), text(&holder["confidence"]))
    };
    let caveats = all(&record["caveats"], &|caveat| text(&caveat["code"]));
    format!("{}: {} [{caveats}]", text(&record["verdict"]["code"]), all(&record["holders"], &holder))
}

/// The verdict where a driver with these facts opened the file from its worker, and from within a request of TiWorker.exe.
fn opened_by_driver(driver: &str) -> [String; 2] {
    let kernel = format!("{KERNEL}kernel {driver} base=0xfffff80200000000 size=0x100000\n");
    let name = driver.split(' ').next().unwrap().rsplit('\\').next().unwrap();
    let worker = format!("{name}+0x100,ntoskrnl.exe+0x900");
    let inside = format!("{name}+0x100,@within");
    [("System", worker), ("TiWorker.exe:301", inside)].map(|(process, above)| {
        let open = format!("{process} CreateFile ${{F}} access=READ_DATA share=RW stack=@carried,{above}");
        let close = format!("{process} CloseFile ${{F}} stack=@carried,{above}");
        verdict(&usual(&built(&kernel, &held_by(&open, &close))))
    })
}

#[test]
fn a_driver_whose_frame_calls_the_create_routine_is_the_holder_listed_or_not() {
    // In no list; of an unknown publisher; named like a listed one; Microsoft's by its string and not by its place.
    for (driver, name) in [
        (r#"${D}\fooflt.sys company="Foo GmbH""#, "fooflt.sys"),
        (r"${D}\nocompany.sys", "nocompany.sys"),
        (r#"C:\Temp\klif.sys company="Evil Corp""#, "klif.sys"),
        (r#"C:\Temp\eamonm.sys company="Microsoft Corporation""#, "eamonm.sys"),
    ] {
        let expected = format!("culprit: {name} third_party proven [");
        assert!(opened_by_driver(driver).iter().all(|told| told.starts_with(&expected)), "{driver}");
    }
}

#[test]
fn windows_own_drivers_act_for_their_callers_with_and_without_a_company() {
    let below = "[filters_below_procmon_altitude]";
    for driver in [
        r#"${D}\bindflt.sys company="Microsoft Corporation""#,
        r"${D}\bindflt.sys",
        r"\SystemRoot\System32\drivers\wof.sys",
        r"C:\Windows\System32\CI.dll",
    ] {
        let expected = ["culprit: System windows proven []", "self_inflicted: TiWorker.exe victim proven []"];
        assert_eq!(opened_by_driver(driver), expected, "{driver}");
    }
    // Its anti-virus filter acts for itself.
    let scanner = format!("culprit: WdFilter.sys windows proven {below}");
    let found = opened_by_driver(r#"${D}\WdFilter.sys company="Microsoft Corporation""#);
    assert_eq!(found, [scanner.clone(), scanner]);
}

#[test]
fn code_of_no_known_module_leaves_open_who_issued_it() {
    let foo = "kernel ${D}\\fooflt.sys base=0xfffff80200000000 size=0x100000 company=Foo\n";
    let all = format!("{KERNEL}{foo}");
    let stranger = "0xfffff80300000100";
    let opens = |process: &str, stack: &str| {
        let open = format!("{process} CreateFile ${{F}} access=READ_DATA share=RW stack={stack}");
        held_by(&open, &format!("{process} CloseFile ${{F}} stack={stack}"))
    };
    let raw = "0xfffff80300000100,0xfffff80300000200,0xfffff80300000300,0xfffff80300000400,0xfffff80300000500";
    let torn = "FLTMGR.SYS+0x100";
    for stack in [
        format!("@carried,{stranger},@within"),
        format!("@carried,{stranger},ntoskrnl.exe+0x900"),
        raw.to_owned(),
        torn.to_owned(),
    ] {
        let own = verdict(&usual(&built(&all, &opens("TiWorker.exe:301", &stack))));
        assert_eq!(own, "self_inflicted: TiWorker.exe victim possible [author_not_shown]", "{stack}");
        let system = verdict(&usual(&built(&all, &opens("System", &stack))));
        assert_eq!(system, "culprit: System windows likely [author_not_shown]", "{stack}");
        // Others' names are not those that drivers act in.
        let other = verdict(&usual(&built(&all, &opens("A.exe", &stack))));
        assert_eq!(other, "culprit: A.exe third_party proven []", "{stack}");
    }
    // The same where the modules that are listed name no driver that might have been it.
    let own = verdict(&usual(&built(KERNEL, &opens("TiWorker.exe:301", raw))));
    assert_eq!(own, "self_inflicted: TiWorker.exe victim possible [author_not_shown]");
    // Where a stack shows it, the list of modules counts.
    assert_eq!(
        verdict(&usual(&built(&all, &opens("TiWorker.exe:301", "@own")))),
        "self_inflicted: TiWorker.exe victim proven []"
    );
}

#[test]
fn what_a_missing_stack_could_show_does_not_depend_on_the_profile() {
    let foo = format!("{KERNEL}kernel ${{D}}\\fooflt.sys base=0xfffff80200000000 size=0x100000 company=Foo\n");
    let open = "TrustedInstaller.exe CreateFile ${F} access=READ_DATA share=RW stack=none";
    let one = built(&foo, &held_by(open, "TrustedInstaller.exe CloseFile ${F} stack=none"));
    let grade = |record: &Value| failures(record);
    let expected = ["3 share_conflict: TrustedInstaller.exe possible SA-3"];
    let told = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().map(|line| line.split(" |").next().unwrap().replace(" confirmed", "")).collect()
    };
    assert_eq!(told(grade(&usual(&one))), expected);
    assert_eq!(told(grade(&one.record())), expected);
    let story: Value = serde_json::from_str(&one.run(&["why", "c.PML", "-e", "3", "--json", "-"])).unwrap();
    assert_eq!(story["failure"]["holders"][0]["confidence"], "possible");
}

#[test]
fn a_filter_shown_to_act_in_others_names_leaves_opens_without_a_stack_in_doubt() {
    let foo = format!("{KERNEL}kernel ${{D}}\\fooflt.sys base=0xfffff80200000000 size=0x100000 company=Foo\n");
    let lines =
        held_by("A.exe CreateFile ${F} access=READ_DATA share=RW stack=none", "A.exe CloseFile ${F} stack=none");
    assert_eq!(verdict(&usual(&built(&foo, &lines))), "culprit: A.exe third_party proven []");
    let inside = "fooflt.sys+0x100,@within";
    let looks = format!(
        "+1.12 TiWorker.exe:301 CreateFile ${{F}} access=READ_DATA share=RWD stack=@carried,{inside}
+1.13 TiWorker.exe:301 CloseFile ${{F}} stack=@carried,{inside}\n"
    );
    let (made, rest) = lines.split_once("+1.2").unwrap();
    let both = format!("{made}{looks}+1.2{rest}");
    assert_eq!(verdict(&usual(&built(&foo, &both))), "culprit: A.exe third_party likely [author_not_shown]");
}

/// Two drivers of known makers.
fn scanners() -> String {
    format!(
        "{KERNEL}kernel ${{D}}\\fooflt.sys base=0xfffff80200000000 size=0x100000 company=Foo
kernel ${{D}}\\barflt.sys base=0xfffff80300000000 size=0x100000 company=Bar
stack inside = @carried,fooflt.sys+0x100,FLTMGR.SYS+0x300,ntoskrnl.exe+0x100,ntoskrnl.exe+0x500,0x7ff700001000
"
    )
}

#[test]
fn what_a_driver_is_refused_fails_nobody_else() {
    let stacks =
        "stack carried = FLTMGR.SYS+0x100,FLTMGR.SYS+0x200,ntoskrnl.exe+0x100,ntoskrnl.exe+0x200,ntoskrnl.exe+0x300\n";
    let lines = |holder: &str| {
        format!(
            "+1 TiWorker.exe CreateFile ${{F}} access=GENERIC_READ share=R disposition=CREATE stack=@carried,0x7ff700001000
+1.1 TiWorker.exe CloseFile ${{F}} stack=@carried,0x7ff700001000
+1.2 {holder} CreateFile ${{F}} access=GENERIC_WRITE share=none stack=@carried,0x7ff700001000
+2 TiWorker.exe CreateFile ${{F}} access=READ_DATA share=RW stack=@inside -> SHARING VIOLATION
+3 {holder} CloseFile ${{F}} stack=@carried,0x7ff700001000
+9 A.exe CreateFile C:\\x access=READ_DATA share=RWD stack=@carried,0x7ff700001000
"
        )
    };
    for holder in ["A.exe", "TiWorker.exe:301"] {
        let one = Built::of(&format!("{MACHINE}{stacks}{}{}", scanners(), lines(holder)));
        let record = usual(&one);
        assert_eq!(
            (&record["verdict"]["code"], &record["scope"]["failures_outside"]),
            (&"no_failures".into(), &1.into())
        );
        // With every process a victim it is the driver's, whoever's thread it was in.
        let name = holder.split(':').next().unwrap();
        let any = one.record();
        assert_eq!(failures(&any)[0].split(" |").next().unwrap(), format!("3 share_conflict: {name} proven SA-3"));
        assert_eq!(any["failures"][0]["driver"], "fooflt.sys");
        assert_eq!(any["verdict"]["code"], "culprit");
        let said = any["verdict"]["text"].as_str().unwrap();
        assert!(said.contains("that fooflt.sys needed"), "{said}");
        assert!(one.why(3).contains("fooflt.sys (TiWorker.exe PID 300) CreateFile"), "{}", one.why(3));
    }
}

#[test]
fn a_mark_set_by_a_driver_is_the_drivers() {
    let stacks =
        "stack carried = FLTMGR.SYS+0x100,FLTMGR.SYS+0x200,ntoskrnl.exe+0x100,ntoskrnl.exe+0x200,ntoskrnl.exe+0x300\n";
    let lines =
        "+1 TiWorker.exe CreateFile ${F} access=GENERIC_READ share=R disposition=CREATE stack=@carried,0x7ff700001000
+1.1 TiWorker.exe CloseFile ${F} stack=@carried,0x7ff700001000
+1.2 TiWorker.exe:301 CreateFile ${F} access=READ_DATA,DELETE share=RWD stack=@inside
+1.3 TiWorker.exe:301 SetDispositionInformationFile ${F} delete=yes handle=0x10 stack=@inside
+2 TiWorker.exe CreateFile ${F} access=READ_DATA share=RWD stack=@carried,0x7ff700001000 -> DELETE PENDING
+3 TiWorker.exe:301 CloseFile ${F} stack=@inside
+9 A.exe CreateFile C:\\x access=READ_DATA share=RWD stack=@carried,0x7ff700001000
";
    let one = Built::of(&format!("{MACHINE}{stacks}{}{lines}", scanners()));
    let record = usual(&one);
    assert_eq!(failures(&record), ["4 delete_pending: fooflt.sys proven DP-3"]);
    let marked = &record["failures"][0]["deleted_by"];
    assert_eq!((&marked["driver"], &marked["process"]), (&"fooflt.sys".into(), &"TiWorker.exe".into()));
    assert!(one.run(&["c.PML"]).contains("marked for deletion by fooflt.sys (TiWorker.exe PID 300), event 3"));
}

#[test]
fn of_two_drivers_in_one_stack_both_may_be_behind_it() {
    let passing = "FLTMGR.SYS+0x100,ntoskrnl.exe+0x100,fooflt.sys+0x100,ntoskrnl.exe+0x100,barflt.sys+0x100,ntoskrnl.exe+0x100,ntoskrnl.exe+0x500,0x7ff700001000";
    let lines = format!(
        "+1 TiWorker.exe CreateFile ${{F}} access=GENERIC_READ share=R disposition=CREATE dur=2s stack={passing}
+4 TiWorker.exe CloseFile ${{F}} stack={passing}
+5 TiWorker.exe CreateFile ${{F}} access=DELETE share=RWD stack={passing} -> SHARING VIOLATION
+9 A.exe CreateFile C:\\x access=READ_DATA share=RWD stack={passing}
"
    );
    let stacks =
        "stack carried = FLTMGR.SYS+0x100,FLTMGR.SYS+0x200,ntoskrnl.exe+0x100,ntoskrnl.exe+0x200,ntoskrnl.exe+0x300\n";
    let one = Built::of(&format!("{MACHINE}{stacks}{}{lines}", scanners()));
    let record = usual(&one);
    assert_eq!(
        failures(&record)[0].split(" |").next().unwrap(),
        "2 share_conflict: fooflt.sys possible VI-3 barflt.sys possible VI-3"
    );
    assert_eq!(record["waits"][0]["holders"].as_array().unwrap().len(), 2, "{}", record["waits"]);
}

#[test]
fn a_story_says_what_the_record_of_the_case_says() {
    let lines = "+1 TiWorker.exe CreateFile ${F} access=GENERIC_READ share=R disposition=CREATE stack=@own
+1.1 TiWorker.exe CloseFile ${F} stack=@own
+1.2 A.exe CreateFile ${F}2 access=READ_DATA share=R stack=@own
+1.3 TrustedInstaller.exe CreateFile ${F} access=READ_DATA share=R stack=@own
+1.5 TiWorker.exe CreateFile ${F}2 access=DELETE share=RWD stack=@own -> SHARING VIOLATION
+2 TiWorker.exe CreateFile ${F} access=DELETE share=RWD stack=@own -> SHARING VIOLATION
+3 TrustedInstaller.exe CloseFile ${F} stack=@own
+4 A.exe CreateFile ${F} access=DELETE share=none stack=@own
+5 TrustedInstaller.exe CreateFile C:\\x access=READ_DATA share=none stack=@own
+6 A.exe CreateFile C:\\x access=READ_DATA share=RWD stack=@own -> SHARING VIOLATION
";
    let one = built(KERNEL, lines);
    let record = usual(&one);
    let story = |event: u64| -> Value {
        serde_json::from_str(&one.run(&["why", "c.PML", "-e", &event.to_string(), "--json", "-"])).unwrap()
    };
    let without_series = |mut failure: Value| {
        failure.as_object_mut().unwrap().remove("series");
        failure
    };
    for failure in record["failures"].as_array().unwrap() {
        let told = story(failure["event"].as_u64().unwrap());
        assert_eq!(without_series(told["failure"].clone()), without_series(failure.clone()));
    }
    assert_eq!(record["failures"][1]["attribution"], "self_inflicted");
    assert_eq!(record["failures"][1]["holders"][0]["holder"], "h2");
    // Of one that belongs to no usual case there is no record that the number of a holder could refer to.
    let other = story(9);
    assert_eq!(other["failure"]["holders"][0]["process"], "TrustedInstaller.exe");
    assert_eq!(other["failure"]["holders"][0].get("holder"), None);
}

#[test]
fn the_self_check_tells_a_late_start_only_where_the_case_does() {
    let codes = |text: &str| -> Vec<String> { verdicts::quality(&serde_json::from_str::<Value>(text).unwrap()) };
    let born = built(
        KERNEL,
        &held_by("A.exe CreateFile ${F} access=READ_DATA share=RW stack=@own", "A.exe CloseFile ${F} stack=@own"),
    );
    let late = "capture_started_late".to_owned();
    assert!(!codes(&born.run(&["c.PML", "--json", "-"])).contains(&late));
    assert!(!codes(&born.run(&["audit", "c.PML", "--json", "-"])).contains(&late));
    let old = built(
        KERNEL,
        "+1 A.exe CreateFile C:\\x access=READ_DATA share=RWD stack=@own\n+1.5 TiWorker.exe CreateFile ${F} access=DELETE share=RWD stack=@own -> SHARING VIOLATION\n",
    );
    assert!(codes(&old.run(&["c.PML", "--json", "-"])).contains(&late));
    assert!(codes(&old.run(&["audit", "c.PML", "--json", "-"])).contains(&late));
}

#[test]
fn the_altitude_of_a_users_own_list_is_in_the_record() {
    let kernel = format!("{KERNEL}kernel ${{D}}\\fooflt.sys base=0xfffff80200000000 size=0x100000 company=Foo\n");
    let above = "fooflt.sys+0x100,ntoskrnl.exe+0x900";
    let open = format!("System CreateFile ${{F}} access=READ_DATA share=RW stack=@carried,{above}");
    let one = built(&kernel, &held_by(&open, &format!("System CloseFile ${{F}} stack=@carried,{above}")));
    let vendors = one.path().with_file_name("v.toml");
    let text = "[[vendor]]\nname = \"Foo\"\n[[vendor.product]]\nname = \"Flt\"\ncategory = \"av\"\ndrivers = [\"fooflt.sys\"]\naltitudes = { \"fooflt.sys\" = \"328505.5\" }\n";
    std::fs::write(&vendors, text).unwrap();
    let record: Value = serde_json::from_str(&one.run(&["c.PML", "--vendors", "v.toml", "--json", "-"])).unwrap();
    assert_eq!(record["holders"][0]["driver"]["altitude"], "328505.5");
}

#[test]
fn a_host_of_services_is_told_with_them() {
    let host = "process 500 svchost.exe
  image C:\\Windows\\System32\\svchost.exe
  command C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s wuauserv
  company ${MS}
";
    let lines = held_by(
        "svchost.exe CreateFile ${F} access=READ_DATA share=RW stack=@own",
        "svchost.exe CloseFile ${F} stack=@own",
    );
    let one = built(&format!("{KERNEL}{host}"), &lines);
    let text = one.run(&["c.PML"]);
    assert!(text.contains("-s wuauserv"), "{text}");
}

#[test]
fn what_a_driver_opened_in_one_name_it_may_close_in_another() {
    let kernel = format!("{KERNEL}kernel ${{D}}\\fooflt.sys base=0xfffff80200000000 size=0x100000 company=Foo\n");
    let lines = held_by(
        "TiWorker.exe:301 CreateFile ${F} access=READ_DATA share=RW stack=@carried,fooflt.sys+0x100,@within",
        "System CloseFile ${F} stack=@carried,fooflt.sys+0x100,ntoskrnl.exe+0x900",
    );
    let record = usual(&built(&kernel, &lines));
    assert_eq!(failures(&record), ["3 share_conflict: fooflt.sys proven SA-3"]);
}

/// A driver that holds a file through two processes is in the way until the last of these holds has ended.
#[test]
fn the_time_a_driver_blocked_is_that_of_all_its_holds() {
    let kernel = format!("{KERNEL}kernel ${{D}}\\fooflt.sys base=0xfffff80200000000 size=0x100000 company=Foo\n");
    let (system, inside) =
        ("stack=@carried,fooflt.sys+0x100,ntoskrnl.exe+0x900", "stack=@carried,fooflt.sys+0x100,@within");
    for (first, second) in [(2.5, 2.75), (2.75, 2.5)] {
        let lines = held_by(
            &format!(
                "System CreateFile ${{F}} access=READ_DATA share=RW {system}
+1.3 TiWorker.exe:301 CreateFile ${{F}} access=READ_DATA share=RW {inside}"
            ),
            "A.exe CreateFile C:\\y access=READ_DATA share=RWD stack=@own",
        );
        let lines = format!(
            "{lines}+{first} System CloseFile ${{F}} {system}\n+{second} TiWorker.exe:301 CloseFile ${{F}} {inside}\n"
        );
        let record = usual(&built(&kernel, &lines));
        assert_eq!(record["holders"].as_array().unwrap().len(), 1);
        assert_eq!(record["holders"][0]["driver"]["name"], "fooflt.sys");
        // From the refusal at 2 s on.
        assert_eq!(record["holders"][0]["blocked_ms"], 750.0, "{first} {second}");
    }
}
