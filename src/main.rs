//! The `pmlblame` program: hands over to [`pmlblame::cli`].

fn main() -> std::process::ExitCode {
    pmlblame::cli::main()
}
