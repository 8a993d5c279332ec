//! The rules, one by one.

use fovflow_common::ids::RunId;
use fovflow_common::message::{Completion, Event, EventKind, FailureKind, Task};
use fovflow_common::plan::Stage::{self, *};

use super::*;

const TODO: [StageState; 7] = [StageState::Todo; 7];
const DONE: [StageState; 7] = [StageState::Done; 7];

/// A FOV's stages, one letter each: `t` to do, `d` done, `-` skipped.
fn stages(letters: &str) -> [StageState; 7] {
    let state = |letter| match letter {
        't' => StageState::Todo,
        'd' => StageState::Done,
        _ => StageState::Skipped,
    };
    letters.chars().map(state).collect::<Vec<_>>().try_into().unwrap()
}

fn id(name: &str) -> RunId {
    RunId::parse(name).unwrap()
}

/// A scheduler to which one says little at a time.
#[derive(Default)]
struct Bench {
    scheduler: Scheduler,
    now: Millis,
}

impl Bench {
    fn tell(&mut self, input: Input) -> Vec<Command> {
        self.scheduler.handle(input, self.now)
    }

    fn submit(&mut self, run: &str, batch_size: u32, fovs: &[(u32, [StageState; 7])]) -> Vec<Command> {
        let fovs = fovs.iter().map(|&(fov, stages)| FovRequest { fov, stages }).collect();
        let max_attempts = RunRequest::DEFAULT_MAX_ATTEMPTS;
        self.tell(Input::Submit(RunRequest { run: id(run), output: "out".to_owned(), batch_size, max_attempts, fovs }))
    }

    fn event(&mut self, run: &str, fov: u32, stage: Stage, attempt: u32, kind: EventKind) -> Vec<Command> {
        self.tell(Input::Event(Event { run: id(run), fov, stage, attempt, worker: "w".to_owned(), kind }))
    }

    fn complete(&mut self, run: &str, fov: u32, stage: Stage) -> Vec<Command> {
        self.event(run, fov, stage, 1, EventKind::Completed(Completion::default()))
    }

    fn fail(&mut self, run: &str, fov: u32, stage: Stage, attempt: u32, kind: FailureKind) -> Vec<Command> {
        self.event(run, fov, stage, attempt, EventKind::Failed { kind, cause: "broken".to_owned() })
    }

    fn tick_at(&mut self, at: Millis) -> Vec<Command> {
        self.now = at;
        self.tell(Input::Tick)
    }
}

/// What is published, without the run.
fn published(commands: &[Command]) -> Vec<(u32, Stage, u32)> {
    let task = |command: &Command| match command {
        Command::Publish(task) => Some((task.fov, task.stage, task.attempt)),
        _ => None,
    };
    commands.iter().filter_map(task).collect()
}

/// Which FOVs finish, and how.
fn finished(commands: &[Command]) -> Vec<(u32, FovOutcome)> {
    let fov = |command: &Command| match command {
        Command::FovFinished { fov, outcome, .. } => Some((*fov, outcome.clone())),
        _ => None,
    };
    commands.iter().filter_map(fov).collect()
}

/// The runs that finish, and how.
fn ended(commands: &[Command]) -> Vec<(RunId, RunOutcome)> {
    let run = |command: &Command| match command {
        Command::RunFinished { run, outcome, .. } => Some((run.clone(), *outcome)),
        _ => None,
    };
    commands.iter().filter_map(run).collect()
}

fn wake_at(commands: &[Command]) -> Option<Millis> {
    commands.iter().find_map(|command| if let Command::WakeAt(at) = command { Some(*at) } else { None })
}

fn failed(stage: Stage, cause: &str) -> FovOutcome {
    FovOutcome::Failed { stage, cause: cause.to_owned() }
}

#[test]
fn stages_follow_each_other_with_track_and_background_side_by_side() {
    let mut bench = Bench::default();
    let first = bench.submit("r", 1, &[(3, TODO)]);
    let task = Task { run: id("r"), output: "out".to_owned(), fov: 3, stage: Copy, attempt: 1 };
    assert_eq!(first, [Command::Publish(task)]);
    assert_eq!(published(&bench.complete("r", 3, Copy)), [(3, Segment, 1)]);
    assert_eq!(published(&bench.complete("r", 3, Segment)), [(3, Track, 1), (3, Background, 1)]);
    assert_eq!(published(&bench.complete("r", 3, Background)), []);
    assert_eq!(published(&bench.complete("r", 3, Track)), [(3, Crop, 1)]);
    assert_eq!(published(&bench.complete("r", 3, Crop)), [(3, Extract, 1)]);
    assert_eq!(published(&bench.complete("r", 3, Extract)), [(3, Cache, 1)]);
    let last = bench.complete("r", 3, Cache);
    assert_eq!(finished(&last), [(3, FovOutcome::Done)]);
    assert_eq!(ended(&last), [(id("r"), RunOutcome::Done)]);
    assert_eq!(bench.scheduler.run_status(&id("r")), None);
}

#[test]
fn the_window_slides_in_the_order_given() {
    let mut bench = Bench::default();
    let only_copy = stages("t------");
    let fovs = [9, 2, 7, 4].map(|fov| (fov, only_copy));
    assert_eq!(published(&bench.submit("r", 2, &fovs)), [(9, Copy, 1), (2, Copy, 1)]);
    assert_eq!(published(&bench.complete("r", 2, Copy)), [(7, Copy, 1)]);
    assert_eq!(published(&bench.fail("r", 7, Copy, 1, FailureKind::Permanent)), [(4, Copy, 1)]);
    let status = bench.scheduler.run_status(&id("r")).unwrap();
    assert_eq!(status.fovs, FovCounts { waiting: 0, active: 2, done: 1, failed: 1, cancelled: 0 });
    assert_eq!(*status.stage(Copy), StageCounts { queued: 2, done: 1, failed: 1, ..StageCounts::default() });
    assert_eq!(status.stage(Crop).skipped, 4);
}

#[test]
fn a_fov_without_anything_to_do_takes_no_place() {
    let mut bench = Bench::default();
    let commands = bench.submit("r", 1, &[(0, TODO), (1, DONE), (2, DONE)]);
    assert_eq!(finished(&commands), [(1, FovOutcome::Done), (2, FovOutcome::Done)]);
    assert_eq!(published(&commands), [(0, Copy, 1)]);
    assert_eq!(ended(&bench.submit("done", 1, &[(0, DONE)])), [(id("done"), RunOutcome::Done)]);
    assert_eq!(ended(&bench.submit("empty", 1, &[])), [(id("empty"), RunOutcome::Done)]);
}

#[test]
fn a_waiting_fov_that_turns_out_to_be_done_is_passed_over() {
    let mut bench = Bench::default();
    let only_cache_is_missing = stages("ddddddt");
    let fovs = [0, 1, 2].map(|fov| (fov, only_cache_is_missing));
    assert_eq!(published(&bench.submit("r", 1, &fovs)), [(0, Cache, 1)]);
    assert_eq!(finished(&bench.complete("r", 1, Cache)), [(1, FovOutcome::Done)]);
    assert_eq!(published(&bench.complete("r", 0, Cache)), [(2, Cache, 1)]);
}

#[test]
fn a_stage_waits_for_everything_upstream_even_past_one_that_is_done() {
    let mut bench = Bench::default();
    let copy_is_missing = stages("tdddtdd");
    assert_eq!(published(&bench.submit("r", 1, &[(0, copy_is_missing)])), [(0, Copy, 1)]);
    assert_eq!(published(&bench.complete("r", 0, Copy)), [(0, Crop, 1)]);
}

#[test]
fn a_completion_from_a_former_life_counts_but_says_nothing_about_what_is_upstream() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO)]);
    let early = bench.event("r", 0, Segment, 4, EventKind::Completed(Completion::default()));
    assert!(matches!(early[..], [Command::StageDone { stage: Segment, .. }]));
    assert_eq!(published(&bench.complete("r", 0, Copy)), [(0, Track, 1), (0, Background, 1)]);
    assert_eq!(bench.complete("r", 0, Segment), [], "a duplicate says nothing new");
}

#[test]
fn transient_failures_back_off_until_the_last_attempt() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO)]);
    for attempt in 1..=4 {
        let commands = bench.fail("r", 0, Copy, attempt, FailureKind::Transient);
        let at = bench.now.after(retry::delay_millis(&id("r"), 0, Copy, attempt));
        assert_eq!(wake_at(&commands), Some(at));
        assert_eq!(bench.fail("r", 0, Copy, attempt, FailureKind::Transient), [], "told twice");
        assert_eq!(published(&bench.tick_at(Millis(at.0 - 1))), [], "too early");
        assert_eq!(published(&bench.tick_at(at)), [(0, Copy, attempt + 1)]);
    }
    assert_eq!(bench.fail("r", 0, Copy, 4, FailureKind::Transient), [], "an old attempt");
    let last = bench.fail("r", 0, Copy, 5, FailureKind::Transient);
    assert_eq!(finished(&last), [(0, failed(Copy, "attempt 5 of 5: broken"))]);
    assert_eq!(ended(&last), [(id("r"), RunOutcome::DoneWithFailures)]);
}

#[test]
fn a_tick_that_comes_early_is_asked_for_again() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO)]);
    let at = wake_at(&bench.fail("r", 0, Copy, 1, FailureKind::Transient));
    assert_eq!(wake_at(&bench.tell(Input::Tick)), at);
}

#[test]
fn a_stage_that_is_done_while_it_backs_off_is_not_tried_again() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO)]);
    let at = wake_at(&bench.fail("r", 0, Copy, 1, FailureKind::Transient)).unwrap();
    assert_eq!(published(&bench.complete("r", 0, Copy)), [(0, Segment, 1)]);
    assert_eq!(bench.tick_at(at), []);
}

#[test]
fn a_failing_fov_first_ends_what_does_not_depend_on_the_failed_stage() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO), (1, TODO)]);
    bench.complete("r", 0, Copy);
    bench.complete("r", 0, Segment);
    let at = wake_at(&bench.fail("r", 0, Background, 1, FailureKind::Transient)).unwrap();
    let failure = bench.fail("r", 0, Track, 1, FailureKind::Permanent);
    assert!(matches!(failure[..], [Command::StageFailed { stage: Track, verdict: Verdict::FovFails, .. }]));
    assert_eq!(published(&bench.tick_at(at)), [(0, Background, 2)]);
    assert_eq!(bench.complete("r", 0, Track), [], "the failure stands");
    let last = bench.complete("r", 0, Background);
    assert_eq!(finished(&last), [(0, failed(Track, "broken"))]);
    assert_eq!(published(&last), [(1, Copy, 1)]);
}

#[test]
fn a_failed_cache_is_a_warning() {
    let mut bench = Bench::default();
    let only_cache_is_missing = stages("ddddddt");
    bench.submit("r", 1, &[(0, only_cache_is_missing)]);
    let commands = bench.fail("r", 0, Cache, 1, FailureKind::Permanent);
    assert!(matches!(commands[0], Command::StageFailed { stage: Cache, verdict: Verdict::Warning, .. }));
    assert_eq!(finished(&commands), [(0, FovOutcome::Done)]);
    assert_eq!(ended(&commands), [(id("r"), RunOutcome::Done)]);
}

#[test]
fn a_dead_letter_fails_the_fov_with_its_reason() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO)]);
    let task = |attempt| Task { run: id("r"), output: "out".to_owned(), fov: 0, stage: Copy, attempt };
    let reason = "killed 5 workers".to_owned();
    assert_eq!(bench.tell(Input::Dead { task: task(2), reason: reason.clone() }), []);
    let commands = bench.tell(Input::Dead { task: task(1), reason });
    assert_eq!(finished(&commands), [(0, failed(Copy, "dead-lettered: killed 5 workers"))]);
}

#[test]
fn a_cancelled_run_waits_for_what_is_in_flight() {
    let mut bench = Bench::default();
    bench.submit("r", 3, &[0, 1, 2, 3].map(|fov| (fov, TODO)));
    bench.fail("r", 2, Copy, 1, FailureKind::Transient);
    let commands = bench.tell(Input::Cancel(id("r")));
    assert_eq!(commands[0], Command::CancelRun(id("r")));
    assert_eq!(finished(&commands), [(2, FovOutcome::Cancelled)], "it only waited for its back-off");
    let given_back = bench.fail("r", 0, Copy, 1, FailureKind::Transient);
    assert_eq!(finished(&given_back), [(0, FovOutcome::Cancelled)]);
    let last = bench.complete("r", 1, Copy);
    assert_eq!(published(&last), []);
    assert_eq!(finished(&last), [(1, FovOutcome::Cancelled)]);
    let Some(Command::RunFinished { outcome, status, .. }) = last.last() else { unreachable!("{last:?}") };
    assert_eq!(*outcome, RunOutcome::Cancelled);
    assert_eq!(status.fovs, FovCounts { cancelled: 4, ..FovCounts::default() });
    assert_eq!(bench.tick_at(Millis(100_000)), []);
}

#[test]
fn a_second_cancel_ends_the_run_at_once() {
    let mut bench = Bench::default();
    bench.submit("r", 2, &[0, 1, 2].map(|fov| (fov, TODO)));
    assert_eq!(bench.tell(Input::Cancel(id("r"))), [Command::CancelRun(id("r"))]);
    let commands = bench.tell(Input::Cancel(id("r")));
    assert_eq!(finished(&commands), [(0, FovOutcome::Cancelled), (1, FovOutcome::Cancelled)]);
    assert_eq!(ended(&commands), [(id("r"), RunOutcome::Cancelled)]);
    assert_eq!(bench.complete("r", 0, Copy), []);
    assert_eq!(bench.tell(Input::Cancel(id("r"))), []);
}

#[test]
fn a_back_off_does_not_outlive_its_run() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO)]);
    let at = wake_at(&bench.fail("r", 0, Copy, 1, FailureKind::Transient)).unwrap();
    assert_eq!(ended(&bench.tell(Input::Cancel(id("r")))), [(id("r"), RunOutcome::Cancelled)]);
    bench.now = Millis(at.0 - 1);
    bench.submit("r", 1, &[(0, TODO)]);
    bench.fail("r", 0, Copy, 1, FailureKind::Transient);
    assert_eq!(published(&bench.tick_at(at)), []);
}

#[test]
fn of_two_failed_stages_the_first_is_named() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, stages("ddttttt"))]);
    bench.fail("r", 0, Background, 1, FailureKind::Permanent);
    let last = bench.fail("r", 0, Track, 1, FailureKind::Permanent);
    assert_eq!(finished(&last), [(0, failed(Background, "broken"))]);
}

#[test]
fn limits_that_make_no_sense_are_clamped() {
    let mut bench = Bench::default();
    let fovs = [0, 1].map(|fov| FovRequest { fov, stages: TODO }).to_vec();
    let request = |max_attempts| RunRequest {
        run: id(&format!("r{max_attempts}")),
        output: "out".to_owned(),
        batch_size: 0,
        max_attempts,
        fovs: fovs.clone(),
    };
    assert_eq!(published(&bench.tell(Input::Submit(request(0)))), [(0, Copy, 1)]);
    assert_eq!(published(&bench.fail("r0", 0, Copy, 1, FailureKind::Transient)), [(1, Copy, 1)]);
    bench.tell(Input::Submit(request(1_000)));
    for attempt in 1..255 {
        bench.fail("r1000", 0, Copy, attempt, FailureKind::Transient);
        bench.now = bench.now.after(100_000);
        assert_eq!(published(&bench.tell(Input::Tick)), [(0, Copy, attempt + 1)]);
    }
    let last = bench.fail("r1000", 0, Copy, 255, FailureKind::Transient);
    assert_eq!(finished(&last), [(0, failed(Copy, "attempt 255 of 255: broken"))]);
}

#[test]
fn runs_that_are_due_together_take_turns() {
    let mut bench = Bench::default();
    bench.submit("a", 3, &[0, 1, 2].map(|fov| (fov, TODO)));
    bench.submit("b", 3, &[10, 11].map(|fov| (fov, TODO)));
    for (run, fov) in [("a", 0), ("a", 1), ("a", 2), ("b", 10), ("b", 11)] {
        bench.fail(run, fov, Copy, 1, FailureKind::Transient);
    }
    let due = published(&bench.tick_at(Millis(10_000)));
    let from_b: Vec<_> = due.iter().map(|(fov, ..)| *fov >= 10).collect();
    assert_eq!(from_b.len(), 5);
    assert!(from_b[0] != from_b[1] && from_b[2] != from_b[3], "{due:?}");
}

#[test]
fn an_active_run_is_not_submitted_again_and_a_doubled_fov_counts_once() {
    let mut bench = Bench::default();
    let commands = bench.submit("r", 5, &[(0, TODO), (0, DONE), (1, TODO)]);
    assert_eq!(published(&commands), [(0, Copy, 1), (1, Copy, 1)]);
    assert_eq!(bench.submit("r", 5, &[(2, TODO)]), []);
    assert_eq!(bench.scheduler.runs().collect::<Vec<_>>(), [&id("r")]);
}

#[test]
fn a_worker_that_began_shows_in_the_status() {
    let mut bench = Bench::default();
    bench.submit("r", 1, &[(0, TODO)]);
    assert_eq!(bench.event("r", 0, Copy, 2, EventKind::Started), []);
    assert_eq!(bench.scheduler.run_status(&id("r")).unwrap().stage(Copy).running, 0, "not the current attempt");
    assert_eq!(bench.event("r", 0, Copy, 1, EventKind::Progress { done: 1, total: 9 }), []);
    assert_eq!(bench.scheduler.run_status(&id("r")).unwrap().stage(Copy).running, 1);
}
