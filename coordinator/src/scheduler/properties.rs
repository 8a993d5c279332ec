//! Properties that hold whatever happens in whatever order. Each step of each case is checked by the
//! [`Ledger`](super::ledger::Ledger) of a simulated [`World`].

use std::collections::BTreeSet;

use fovflow_common::ids::RunId;
use fovflow_common::message::{Completion, Event, EventKind, FailureKind, Task};
use fovflow_common::plan::Stage;
use proptest::prelude::*;

use super::world::{Behaviour, FovPlan, MAX_ATTEMPTS, RunPlan, World};
use super::*;

/// One thing that happens; the numbers pick which task, event, run…
#[derive(Debug, Clone, Copy)]
enum Action {
    Work(usize),
    Begin(usize),
    LoseWorker(usize, bool),
    DuplicateTask(usize),
    Deliver(usize, bool),
    Wait(u64),
    Restart,
    CrashWhileHandling(usize, bool),
    Mislead(usize),
    Cancel(usize),
}

fn act(world: &mut World, action: Action) {
    match action {
        Action::Work(pick) => world.work(pick),
        Action::Begin(pick) => world.begin(pick),
        Action::LoseWorker(pick, is_committed) => world.lose_worker(pick, is_committed),
        Action::DuplicateTask(pick) => world.duplicate_task(pick),
        Action::Deliver(pick, is_acknowledged) => world.deliver(pick, is_acknowledged),
        Action::Wait(millis) => world.wait(millis),
        Action::Restart => world.restart(),
        Action::CrashWhileHandling(pick, is_acknowledged) => world.crash_while_handling(pick, is_acknowledged),
        Action::Mislead(pick) => world.mislead(pick),
        Action::Cancel(pick) => world.cancel(pick),
    }
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let pick = 0..1_000_usize;
    let action = prop_oneof![
        30 => pick.clone().prop_map(Action::Work),
        4 => pick.clone().prop_map(Action::Begin),
        5 => (pick.clone(), any::<bool>()).prop_map(|(pick, flag)| Action::LoseWorker(pick, flag)),
        5 => pick.clone().prop_map(Action::DuplicateTask),
        30 => (pick.clone(), prop::bool::weighted(0.8)).prop_map(|(pick, flag)| Action::Deliver(pick, flag)),
        6 => (0..5_000_u64).prop_map(Action::Wait),
        1 => Just(Action::Restart),
        1 => (pick.clone(), any::<bool>()).prop_map(|(pick, flag)| Action::CrashWhileHandling(pick, flag)),
        5 => pick.prop_map(Action::Mislead),
    ];
    prop::collection::vec(action, 0..200)
}

/// The rows of SPEC.md's table "which stages run", and any other set of stages.
fn skipped() -> impl Strategy<Value = [bool; 7]> {
    let row = |marks: &str| {
        let mut skipped = [false; 7];
        for (i, mark) in marks.chars().enumerate() {
            skipped[i] = mark == '-';
        }
        Just(skipped)
    };
    prop_oneof![
        6 => row("xxxxxxx"),
        2 => row("xxx-xxx"),
        2 => row("x--x--x"),
        1 => row("-----x-"),
        1 => row("x------"),
        1 => any::<[bool; 7]>(),
    ]
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        24 => Just(Behaviour::Fine),
        8 => (1..MAX_ATTEMPTS).prop_map(Behaviour::Flaky),
        1 => Just(Behaviour::Hopeless),
        1 => Just(Behaviour::Permanent),
        1 => Just(Behaviour::Poison),
    ]
}

fn fov_plan() -> impl Strategy<Value = FovPlan> {
    let committed = prop_oneof![2 => Just([false; 7]), 1 => any::<[bool; 7]>()];
    let behaviours = prop::array::uniform7(behaviour());
    (skipped(), committed, behaviours).prop_map(|(skipped, mut committed, behaviours)| {
        for (committed, is_skipped) in committed.iter_mut().zip(skipped) {
            *committed &= !is_skipped;
        }
        FovPlan { skipped, committed, behaviours }
    })
}

fn run_plans() -> impl Strategy<Value = Vec<RunPlan>> {
    let run =
        (1..4_u32, prop::collection::vec(fov_plan(), 0..6)).prop_map(|(batch_size, fovs)| RunPlan { batch_size, fovs });
    prop::collection::vec(run, 1..4)
}

/// Asserts that a run that wasn't cancelled ended as its plan says, whatever happened on the way.
fn assert_ended_as_planned(world: &World, run: &RunId) {
    let plan = &world.runs[run];
    let (outcome, failed) = &world.ended[run];
    let mut expected_failed = BTreeSet::new();
    for (id, fov) in (0..).zip(&plan.fovs) {
        let (expected, is_failed) = fov.expected();
        let commits = Stage::ALL.into_iter().filter(|stage| world.commits.contains(&(run.clone(), id, *stage)));
        assert_eq!(commits.collect::<BTreeSet<_>>(), expected, "commits of FOV {id} of {run}");
        if is_failed {
            expected_failed.insert(id);
        }
    }
    assert_eq!(*failed, expected_failed, "failed FOVs of {run}");
    let all_done = expected_failed.is_empty();
    assert_eq!(*outcome, if all_done { RunOutcome::Done } else { RunOutcome::DoneWithFailures });
}

/// Anything that could possibly be said to a scheduler, about few enough things that much of it makes sense.
fn anything() -> impl Strategy<Value = Input> {
    let run = || (0..3_u32).prop_map(|i| RunId::parse(&format!("r{i}")).unwrap());
    let fov = || prop_oneof![8 => 0..5_u32, 1 => any::<u32>()];
    let stage = || prop::sample::select(Stage::ALL.to_vec());
    let attempt = || prop_oneof![8 => 0..5_u32, 1 => any::<u32>()];
    let kind = prop_oneof![
        Just(EventKind::Started),
        any::<(u64, u64)>().prop_map(|(done, total)| EventKind::Progress { done, total }),
        Just(EventKind::Completed(Completion::default())),
        Just(EventKind::Failed { kind: FailureKind::Transient, cause: String::new() }),
        Just(EventKind::Failed { kind: FailureKind::Permanent, cause: String::new() }),
    ];
    let event = (run(), fov(), stage(), attempt(), kind).prop_map(|(run, fov, stage, attempt, kind)| {
        Input::Event(Event { run, fov, stage, attempt, worker: String::new(), kind })
    });
    let dead = (run(), fov(), stage(), attempt()).prop_map(|(run, fov, stage, attempt)| {
        let task = Task { run, output: String::new(), fov, stage, attempt };
        Input::Dead { task, reason: String::new() }
    });
    let state = prop::sample::select(vec![StageState::Skipped, StageState::Done, StageState::Todo, StageState::Todo]);
    let fov_request = (fov(), prop::array::uniform7(state)).prop_map(|(fov, stages)| FovRequest { fov, stages });
    let number = || prop_oneof![4 => 0..4_u32, 1 => any::<u32>()];
    let submit = (run(), number(), number(), prop::collection::vec(fov_request, 0..6)).prop_map(
        |(run, batch_size, max_attempts, fovs)| {
            let output = String::new();
            Input::Submit(RunRequest { run, output, batch_size, max_attempts, fovs })
        },
    );
    prop_oneof![
        40 => event,
        3 => dead,
        3 => submit,
        1 => run().prop_map(Input::Cancel),
        6 => Just(Input::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_ends_in_the_same_result(plans in run_plans(), actions in actions()) {
        let mut world = World::new(plans);
        for action in actions {
            act(&mut world, action);
        }
        world.finish();
        for run in world.runs.keys() {
            assert_ended_as_planned(&world, run);
        }
    }

    #[test]
    fn a_cancelled_run_ends_and_leaves_the_others_alone(
        plans in run_plans(),
        before in actions(),
        victim in 0..3_usize,
        after in actions(),
    ) {
        let mut world = World::new(plans);
        let cancel = [Action::Cancel(victim)];
        for action in before.into_iter().chain(cancel).chain(after) {
            act(&mut world, action);
        }
        world.finish();
        for (run, plan) in &world.runs {
            if !world.cancelled.contains(run) {
                assert_ended_as_planned(&world, run);
                continue;
            }
            assert_eq!(world.ended[run].0, RunOutcome::Cancelled);
            for (id, fov) in (0..).zip(&plan.fovs) {
                let (expected, _) = fov.expected();
                for stage in Stage::ALL {
                    let is_committed = world.commits.contains(&(run.clone(), id, stage));
                    assert!(!is_committed || expected.contains(&stage), "FOV {id} of {run}: {stage}");
                }
            }
        }
    }

    #[test]
    fn nothing_that_could_be_said_upsets_it(inputs in prop::collection::vec((anything(), 0..200_000_u64), 0..300)) {
        let mut scheduler = Scheduler::new();
        let mut twin = Scheduler::new();
        for (input, now) in inputs {
            let commands = scheduler.handle(input.clone(), Millis(now));
            assert_eq!(commands, twin.handle(input, Millis(now)), "the same inputs gave other commands");
            for run in scheduler.runs.values() {
                assert_eq!(*run.status(), run.recount());
                run.assert_within_limits();
            }
        }
    }
}
