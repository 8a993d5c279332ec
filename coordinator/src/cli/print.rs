//! What's written to the standard output, and the last word on the standard error. A reader that closes the pipe early has
//! seen enough.

use std::io::{Write, stderr, stdout};

/// Writes a line, or several, to the standard output.
pub(super) fn line(text: &str) {
    let _ = writeln!(stdout().lock(), "{text}");
}

/// Says why a command could not run.
pub(super) fn error(text: &str) {
    let _ = writeln!(stderr().lock(), "error: {text}");
}
