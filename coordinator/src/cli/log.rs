//! Where log lines go: the standard error, above the progress bars if there are any.

use std::io::{self, IsTerminal, Write, stderr};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::args::{LogArgs, LogFormat};

/// Sets up logging, and gives the terminal's area for progress bars: hidden where there's no terminal.
///
/// `RUST_LOG` wins over `--verbose`.
pub(super) fn init(args: &LogArgs) -> MultiProgress {
    let has_bars = stderr().is_terminal() && args.log_format == LogFormat::Text;
    let target = if has_bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bars = MultiProgress::with_draw_target(target);
    let level = match args.verbose {
        0 if has_bars => "warn",
        0 => "info",
        1 => "fovflow=debug,fovflow_worker=debug,fovflow_common=debug,info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(AboveBars { bars: bars.clone() })
        .with_ansi(has_bars)
        .with_target(args.verbose > 0);
    match args.log_format {
        LogFormat::Text => subscriber.compact().init(),
        LogFormat::Json => subscriber.json().init(),
    }
    bars
}

/// Writes log lines without tearing the bars.
struct AboveBars {
    bars: MultiProgress,
}

/// One log line on its way.
struct Line {
    bars: MultiProgress,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { bars: self.bars.clone(), text: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A log that can't be written must not stop the work.
        self.bars.suspend(|| drop(stderr().lock().write_all(&self.text)));
    }
}
