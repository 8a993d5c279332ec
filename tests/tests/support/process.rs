//! The command `fovflow` as a process: run to its end, or watched, signalled and killed.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Nothing in these tests takes this long; a process that does hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a process has written.
#[derive(Debug)]
pub struct Printed {
    /// To its standard output.
    pub stdout: String,
    /// To its standard error.
    pub stderr: String,
}

/// The program under test: `$FOVFLOW_BIN`, or else the one that was built beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("FOVFLOW_BIN") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "FOVFLOW_BIN is {}, which is not a file", path.display());
        return path;
    }
    let test = std::env::current_exe().expect("a process knows its own program");
    let profile = test.parent().and_then(Path::parent).expect("tests are built into <target>/<profile>/deps");
    let binary = profile.join(format!("fovflow{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.is_file(),
        "{} is not there: build it with `cargo build --profile ci -p fovflow`, or set FOVFLOW_BIN",
        binary.display()
    );
    binary
}

/// The command with some arguments, and without the settings that the environment may hold.
pub fn fovflow<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary());
    command.args(args).env_remove("RUST_LOG").stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FOVFLOW") {
            command.env_remove(name);
        }
    }
    command
}

/// `fovflow run MOVIE -o OUTPUT`.
pub fn run(movie: &Path, output: &Path) -> Command {
    let mut command = fovflow(["run"]);
    command.arg(movie).arg("-o").arg(output);
    command
}

/// Runs a command to its end, which must have an exit code.
pub fn expect(command: &mut Command, code: i32) -> Printed {
    let output = command.output().expect("the program can be started");
    let printed = Printed {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert_code(command, output.status, code, &printed);
    printed
}

fn assert_code(command: &Command, status: ExitStatus, code: i32, printed: &Printed) {
    let Printed { stdout, stderr } = printed;
    assert_eq!(
        status.code(),
        Some(code),
        "{command:?} ended with {status}, expected exit code {code}\n-- stdout\n{stdout}\n-- stderr\n{stderr}"
    );
}

/// A process that was started and may be watched. It's killed when this is dropped.
pub struct Running {
    child: Child,
    command: Command,
    folder: tempfile::TempDir,
    started: Instant,
}

impl Running {
    /// Starts a command.
    pub fn start(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let create = |name: &str| File::create(folder.path().join(name)).expect("a temporary file can be made");
        let child = command.stdout(create("stdout")).stderr(create("stderr")).spawn();
        let child = child.expect("the program can be started");
        Self { child, command, folder, started: Instant::now() }
    }

    /// Waits until something has happened, and says so; or that the process ended before.
    pub fn wait_until(&mut self, mut happened: impl FnMut() -> bool) -> bool {
        loop {
            if happened() {
                return true;
            }
            if self.child.try_wait().expect("the process can be waited for").is_some() {
                return happened();
            }
            self.check_patience();
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Waits until the clock shows so much since the start, and says so; or that the process ended before.
    pub fn wait_for(&mut self, time: Duration) -> bool {
        let due = self.started + time;
        self.wait_until(|| Instant::now() >= due) && self.is_running()
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be waited for").is_none()
    }

    /// Sends a signal, by its name: `INT`, `TERM`, `CONT`.
    pub fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status().expect("there is a shell");
        assert!(status.success(), "{script} failed: the process was gone already\n{}", self.printed().stderr);
    }

    /// `SIGSTOP`; returns once every thread stands still. A thread that waits for the disk stops only after that.
    #[cfg(target_os = "linux")]
    pub fn pause(&mut self) {
        self.signal("STOP");
        let tasks = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        let is_stopped = |task: &Path| {
            let stat = std::fs::read_to_string(task.join("stat")).unwrap_or_default();
            // The state follows the name, which stands in parentheses and may hold some itself.
            stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('T'))
        };
        let all_stopped = || {
            let Ok(tasks) = std::fs::read_dir(&tasks) else { return false };
            tasks.flatten().all(|task| is_stopped(&task.path()))
        };
        assert!(self.wait_until(all_stopped), "the process ended before it could be paused");
    }

    /// `SIGKILL`; returns once the process is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process can be waited for");
    }

    /// Waits for the end, which must have an exit code.
    pub fn end(mut self, code: i32) -> Printed {
        while self.is_running() {
            self.check_patience();
            std::thread::sleep(Duration::from_millis(1));
        }
        let status = self.child.wait().expect("the process can be waited for");
        let printed = self.printed();
        assert_code(&self.command, status, code, &printed);
        printed
    }

    /// What the process has written so far.
    pub fn printed(&self) -> Printed {
        let read = |name: &str| std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
        Printed { stdout: text("stdout"), stderr: text("stderr") }
    }

    fn check_patience(&self) {
        assert!(
            self.started.elapsed() < PATIENCE,
            "{:?} has not ended after {PATIENCE:?}; it wrote\n{}",
            self.command,
            self.printed().stderr
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already, most of the time.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
