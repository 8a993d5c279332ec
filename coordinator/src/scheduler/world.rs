//! A simulated cluster for the property tests: a store of commits, a broker that delivers at least once and in any
//! order, workers that die, a coordinator that loses its memory. What it's told to do is up to [`super::properties`];
//! what it sees of the scheduler goes through a [`Ledger`](super::ledger::Ledger), which checks every single command.

use std::collections::{BTreeMap, BTreeSet};

use fovflow_common::ids::RunId;
use fovflow_common::message::{Completion, Event, EventKind, FailureKind, Task};
use fovflow_common::plan::Stage;

use super::ledger::Ledger;
use super::*;

/// Attempts that every run of the world allows.
pub(super) const MAX_ATTEMPTS: u32 = 4;
/// How many workers a task may kill before the broker gives it up.
const DELIVERY_LIMIT: u32 = 3;

/// A stage of a FOV of a run.
pub(super) type Key = (RunId, u32, Stage);

/// What becomes of a stage when it's worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// It succeeds.
    Fine,
    /// It fails this many times, fewer than [`MAX_ATTEMPTS`], then it succeeds.
    Flaky(u32),
    /// It always fails transiently.
    Hopeless,
    /// It fails permanently.
    Permanent,
    /// It kills its worker.
    Poison,
}

/// A run as it is meant to go.
#[derive(Debug, Clone)]
pub(super) struct RunPlan {
    pub(super) batch_size: u32,
    pub(super) fovs: Vec<FovPlan>,
}

/// A FOV as it is meant to go; arrays are in the order of [`Stage::ALL`].
#[derive(Debug, Clone)]
pub(super) struct FovPlan {
    pub(super) skipped: [bool; 7],
    /// Committed before the run begins.
    pub(super) committed: [bool; 7],
    pub(super) behaviours: [Behaviour; 7],
}

impl FovPlan {
    /// The stages that are committed in the end, and whether the FOV fails; found without the scheduler.
    pub(super) fn expected(&self) -> (BTreeSet<Stage>, bool) {
        let mut commits = BTreeSet::new();
        let mut blocked = BTreeSet::new();
        let mut is_failed = false;
        for stage in Stage::ALL {
            let i = stage.index();
            let is_held_up = stage.needs().iter().any(|need| blocked.contains(need));
            let is_given = self.skipped[i] || self.committed[i];
            let can_succeed = matches!(self.behaviours[i], Behaviour::Fine | Behaviour::Flaky(_));
            if !self.skipped[i] && (self.committed[i] || (!is_held_up && can_succeed)) {
                commits.insert(stage);
            }
            if !is_given && !is_held_up && !can_succeed && stage.is_critical() {
                is_failed = true;
            }
            if is_held_up || (!is_given && !can_succeed) {
                blocked.insert(stage);
            }
        }
        (commits, is_failed)
    }
}

/// The whole simulated cluster.
pub(super) struct World {
    pub(super) runs: BTreeMap<RunId, RunPlan>,
    /// The store: which stages have a commit.
    pub(super) commits: BTreeSet<Key>,
    /// Failing executions so far of flaky stages.
    failures: BTreeMap<Key, u32>,
    /// The broker: tasks with the number of workers that each has killed.
    tasks: Vec<(Task, u32)>,
    /// The broker: events and dead letters on their way to the coordinator.
    inbox: Vec<Input>,
    now: Millis,
    scheduler: Scheduler,
    pub(super) ledger: Ledger,
    /// Runs that somebody cancelled.
    pub(super) cancelled: BTreeSet<RunId>,
    /// Runs that have ended, with their outcome and which of their FOVs failed.
    pub(super) ended: BTreeMap<RunId, (RunOutcome, BTreeSet<u32>)>,
}

impl World {
    /// A world in which these runs have just been submitted.
    pub(super) fn new(plans: Vec<RunPlan>) -> Self {
        let name = |i: usize| RunId::parse(&format!("run-{i}")).unwrap();
        let runs: BTreeMap<_, _> = plans.into_iter().enumerate().map(|(i, plan)| (name(i), plan)).collect();
        let mut commits = BTreeSet::new();
        for (run, plan) in &runs {
            for (id, fov) in (0..).zip(&plan.fovs) {
                let committed = Stage::ALL.into_iter().filter(|stage| fov.committed[stage.index()]);
                commits.extend(committed.map(|stage| (run.clone(), id, stage)));
            }
        }
        let mut world = Self {
            runs,
            commits,
            failures: BTreeMap::new(),
            tasks: Vec::new(),
            inbox: Vec::new(),
            now: Millis(0),
            scheduler: Scheduler::new(),
            ledger: Ledger::default(),
            cancelled: BTreeSet::new(),
            ended: BTreeMap::new(),
        };
        world.restart();
        world
    }

    /// The coordinator begins anew: what it knows is what the store holds. A cancelled run isn't submitted again.
    pub(super) fn restart(&mut self) {
        self.scheduler = Scheduler::new();
        self.ledger = Ledger::default();
        for run in self.runs.keys().cloned().collect::<Vec<_>>() {
            if self.cancelled.contains(&run) && !self.ended.contains_key(&run) {
                self.ended.insert(run.clone(), (RunOutcome::Cancelled, BTreeSet::new()));
            }
            if !self.ended.contains_key(&run) {
                let request = self.request(&run);
                self.tell(Input::Submit(request));
            }
        }
    }

    /// What the service submits: the plan, with the commits that are there. FOVs go in descending order.
    fn request(&self, run: &RunId) -> RunRequest {
        let plan = &self.runs[run];
        let state = |id: u32, fov: &FovPlan, stage: Stage| match fov.skipped[stage.index()] {
            true => StageState::Skipped,
            false if self.commits.contains(&(run.clone(), id, stage)) => StageState::Done,
            false => StageState::Todo,
        };
        let fovs = (0..)
            .zip(&plan.fovs)
            .map(|(id, fov)| FovRequest { fov: id, stages: Stage::ALL.map(|stage| state(id, fov, stage)) });
        let mut fovs: Vec<_> = fovs.collect();
        fovs.reverse();
        let batch_size = plan.batch_size;
        RunRequest { run: run.clone(), output: format!("out/{run}"), batch_size, max_attempts: MAX_ATTEMPTS, fovs }
    }

    /// Hands an input to the scheduler and does what it says.
    fn tell(&mut self, input: Input) {
        self.ledger.note_input(&input, self.now);
        for command in self.scheduler.handle(input, self.now) {
            self.ledger.check(&command, &self.runs, &self.commits, self.now);
            match command {
                Command::Publish(task) => self.tasks.push((task, 0)),
                Command::RunFinished { run, outcome, .. } => {
                    let failed = self.ledger.failed_fovs(&run);
                    self.ended.insert(run, (outcome, failed));
                }
                _ => {}
            }
        }
        self.ledger.check_status(&self.scheduler);
    }

    /// A worker takes a task and does it to the end, unless the task kills it.
    pub(super) fn work(&mut self, pick: usize) {
        let Some(i) = index(pick, self.tasks.len()) else { return };
        let (task, _) = self.tasks[i].clone();
        let key = (task.run.clone(), task.fov, task.stage);
        if self.commits.contains(&key) {
            self.tasks.swap_remove(i);
            self.report(&task, EventKind::Completed(Completion::default()));
            return;
        }
        let fail = |kind, cause: &str| EventKind::Failed { kind, cause: cause.to_owned() };
        // A worker that has heard of the cancelling gives the task back; every other one is past that point.
        let is_given_back = self.cancelled.contains(&task.run) && pick % 2 == 1;
        let kind = match self.runs[&task.run].fovs[task.fov as usize].behaviours[task.stage.index()] {
            Behaviour::Poison => return self.kill_worker(i),
            _ if is_given_back => fail(FailureKind::Transient, "cancelled"),
            Behaviour::Flaky(times) if self.failures.get(&key).copied().unwrap_or(0) < times => {
                *self.failures.entry(key).or_default() += 1;
                fail(FailureKind::Transient, "store out of reach")
            }
            Behaviour::Fine | Behaviour::Flaky(_) => {
                self.commits.insert(key);
                EventKind::Completed(Completion { computed: true, ..Completion::default() })
            }
            Behaviour::Hopeless => fail(FailureKind::Transient, "store out of reach"),
            Behaviour::Permanent => fail(FailureKind::Permanent, "bad input"),
        };
        self.tasks.swap_remove(i);
        self.report(&task, kind);
    }

    /// A worker dies over a task: it's delivered again, or given up.
    fn kill_worker(&mut self, i: usize) {
        self.tasks[i].1 += 1;
        if self.tasks[i].1 >= DELIVERY_LIMIT {
            let (task, _) = self.tasks.swap_remove(i);
            self.inbox.push(Input::Dead { task, reason: "delivery limit".to_owned() });
        }
    }

    /// A worker dies by accident, before or after its commit. It happens less often than the broker's limit.
    pub(super) fn lose_worker(&mut self, pick: usize, is_committed: bool) {
        let Some(i) = index(pick, self.tasks.len()) else { return };
        let (task, deaths) = &self.tasks[i];
        let behaviour = self.runs[&task.run].fovs[task.fov as usize].behaviours[task.stage.index()];
        if deaths + 1 < DELIVERY_LIMIT {
            if is_committed && behaviour == Behaviour::Fine {
                self.commits.insert((task.run.clone(), task.fov, task.stage));
            }
            self.tasks[i].1 += 1;
        }
    }

    /// A worker says that it began, and how far it is.
    pub(super) fn begin(&mut self, pick: usize) {
        let Some(i) = index(pick, self.tasks.len()) else { return };
        let task = self.tasks[i].0.clone();
        self.report(&task, EventKind::Started);
        self.report(&task, EventKind::Progress { done: 1, total: 2 });
    }

    /// The broker delivers a task to a second worker as well.
    pub(super) fn duplicate_task(&mut self, pick: usize) {
        if let Some(i) = index(pick, self.tasks.len()) {
            let task = self.tasks[i].0.clone();
            self.tasks.push((task, 0));
        }
    }

    fn report(&mut self, task: &Task, kind: EventKind) {
        let Task { run, fov, stage, attempt, .. } = task.clone();
        self.inbox.push(Input::Event(Event { run, fov, stage, attempt, worker: "w".to_owned(), kind }));
    }

    /// The coordinator takes one of the events that wait for it, which may stay there to be delivered again.
    pub(super) fn deliver(&mut self, pick: usize, is_acknowledged: bool) {
        let Some(i) = index(pick, self.inbox.len()) else { return };
        let input = if is_acknowledged { self.inbox.swap_remove(i) } else { self.inbox[i].clone() };
        self.tell(input);
    }

    /// The coordinator takes an event and dies when it has published some of what follows.
    pub(super) fn crash_while_handling(&mut self, pick: usize, is_acknowledged: bool) {
        let Some(i) = index(pick, self.inbox.len()) else { return };
        let input = if is_acknowledged { self.inbox.swap_remove(i) } else { self.inbox[i].clone() };
        let commands = self.scheduler.handle(input, self.now);
        let done_before_crash = pick % (commands.len() + 1);
        for command in commands.into_iter().take(done_before_crash) {
            if let Command::Publish(task) = command {
                self.tasks.push((task, 0));
            }
        }
        self.restart();
    }

    /// Time passes; the service's timer goes off when it should.
    pub(super) fn wait(&mut self, millis: u64) {
        self.now = self.now.after(millis);
        if self.ledger.wake_at.is_some_and(|at| at <= self.now) {
            self.tell(Input::Tick);
        }
    }

    /// Somebody cancels a run.
    pub(super) fn cancel(&mut self, pick: usize) {
        let Some(i) = index(pick, self.runs.len()) else { return };
        let Some(run) = self.runs.keys().nth(i).cloned() else { return };
        if !self.ended.contains_key(&run) && self.cancelled.insert(run.clone()) {
            self.tell(Input::Cancel(run));
        }
    }

    /// Something reaches the coordinator that it must not heed.
    pub(super) fn mislead(&mut self, pick: usize) {
        let runs: Vec<_> = self.runs.keys().cloned().collect();
        let Some(i) = index(pick / 7, runs.len()) else { return };
        let run = runs[i].clone();
        let fovs = self.runs[&run].fovs.len();
        let fov = (pick / 3) as u32 % (fovs as u32 + 1);
        let stage = Stage::ALL[pick % 7];
        let event = |run: RunId, fov, attempt, kind| {
            Input::Event(Event { run, fov, stage, attempt, worker: "?".to_owned(), kind })
        };
        let failed = |kind| EventKind::Failed { kind, cause: "nothing".to_owned() };
        let stranger = RunId::parse("stranger").unwrap();
        let completed = EventKind::Completed(Completion::default());
        let is_skipped = self.runs[&run].fovs.get(fov as usize).is_some_and(|fov| fov.skipped[stage.index()]);
        let input = match pick % 8 {
            0 => event(stranger, fov, 1, completed),
            1 => event(run, u32::MAX, 1, completed),
            2 => event(run, fov, 0, failed(FailureKind::Permanent)),
            3 => event(run, fov, MAX_ATTEMPTS + 1, failed(FailureKind::Transient)),
            4 => {
                Input::Dead { task: Task { run, output: String::new(), fov, stage, attempt: 0 }, reason: String::new() }
            }
            5 if self.ended.contains_key(&run) => event(run, fov, 1, failed(FailureKind::Permanent)),
            5 => Input::Submit(self.request(&run)),
            6 => Input::Cancel(stranger),
            7 if is_skipped => event(run, fov, 1, completed),
            _ => event(run, fov, pick as u32 % (MAX_ATTEMPTS + 1), EventKind::Started),
        };
        assert_eq!(self.scheduler.handle(input, self.now), []);
        self.ledger.check_status(&self.scheduler);
    }

    /// Lets everything take its course without further trouble, until nothing moves any more.
    pub(super) fn finish(&mut self) {
        for _ in 0..100_000 {
            if !self.inbox.is_empty() {
                self.deliver(0, true);
            } else if !self.tasks.is_empty() {
                self.work(0);
            } else if let Some(at) = self.ledger.wake_at {
                self.wait(at.0.saturating_sub(self.now.0));
            } else {
                assert_eq!(self.ended.len(), self.runs.len(), "nothing moves, but only these ended: {:?}", self.ended);
                return;
            }
        }
        unreachable!("the world is still busy after 100 000 steps");
    }
}

/// Picks one of `len`.
fn index(pick: usize, len: usize) -> Option<usize> {
    pick.checked_rem(len)
}
