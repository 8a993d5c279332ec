//! The command `fovflow`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fovflow::cli::main()
}
