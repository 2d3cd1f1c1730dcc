//! The `testbed` program; see the library for everything.

fn main() -> std::process::ExitCode {
    testbed::cli::Testbed::new().main()
}
