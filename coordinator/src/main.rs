//! The command `fovflow`.

use std::process::ExitCode;

/// Frames are large buffers that come and go on many threads. The system's allocator keeps what each thread freed apart, so that
/// memory grows with time; this one doesn't.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    fovflow::cli::main()
}
