//! When a failed attempt is tried again: exponential back-off with a jitter that's the same on every machine.

use std::collections::{BTreeMap, BTreeSet};

use fovflow_common::ids::RunId;
use fovflow_common::plan::Stage;

use super::input::Millis;

/// Delay after the first failed attempt, before jitter.
const BASE_MILLIS: u64 = 1_000;
/// The longest delay, before jitter.
const CAP_MILLIS: u64 = 60_000;
/// The jitter, up or down, in thousandths of the delay.
const JITTER_PERMILLE: u64 = 250;

/// An attempt that failed and what it was at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Retry {
    /// When the next attempt is due.
    pub(super) at: Millis,
    /// The run.
    pub(super) run: RunId,
    /// The FOV's ID.
    pub(super) fov: u32,
    /// The stage.
    pub(super) stage: Stage,
    /// The attempt that failed.
    pub(super) attempt: u32,
}

/// How long to wait after a failed attempt, in milliseconds: 1 s doubled with each attempt up to 60 s, then ±25 % by a
/// hash of its arguments, so that what failed together isn't tried again together.
pub(super) fn delay_millis(run: &RunId, fov: u32, stage: Stage, attempt: u32) -> u64 {
    let doublings = attempt.saturating_sub(1).min(16);
    let delay = (BASE_MILLIS << doublings).min(CAP_MILLIS);
    let numbers = [fov.to_le_bytes(), attempt.to_le_bytes()];
    let bytes = run.as_str().bytes().chain(stage.name().bytes()).chain(numbers.into_iter().flatten());
    let jitter = fnv1a(bytes) % (2 * JITTER_PERMILLE + 1);
    delay * (1_000 - JITTER_PERMILLE + jitter) / 1_000
}

/// FNV-1a over 64 bits, by Fowler, Noll and Vo (RFC 9923).
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Attempts that are backing off, by the moment at which they're due.
///
/// An entry isn't withdrawn when its stage is done after all; the run doesn't heed it when its moment comes.
#[derive(Debug, Default)]
pub(super) struct Retries {
    queue: BTreeSet<Retry>,
}

impl Retries {
    /// Adds an attempt.
    pub(super) fn push(&mut self, retry: Retry) {
        self.queue.insert(retry);
    }

    /// The earliest moment at which something is due.
    pub(super) fn earliest(&self) -> Option<Millis> {
        self.queue.first().map(|retry| retry.at)
    }

    /// Takes what's due: in turn over the runs, so that none goes before another with all it has, and within a run by
    /// the moment at which it was due.
    pub(super) fn take_due(&mut self, now: Millis) -> Vec<Retry> {
        let mut taken_of_run = BTreeMap::<RunId, usize>::new();
        let mut due = Vec::new();
        while let Some(retry) = self.queue.pop_first() {
            if retry.at > now {
                self.queue.insert(retry);
                break;
            }
            let turn = taken_of_run.entry(retry.run.clone()).or_default();
            due.push((*turn, retry));
            *turn += 1;
        }
        due.sort_by_key(|(turn, _)| *turn);
        due.into_iter().map(|(_, retry)| retry).collect()
    }

    /// Drops all attempts of a run that ended.
    pub(super) fn forget(&mut self, run: &RunId) {
        self.queue.retain(|retry| retry.run != *run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str) -> RunId {
        RunId::parse(id).unwrap()
    }

    #[test]
    fn delays_double_up_to_the_cap_and_stay_within_the_jitter() {
        let expected = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
        for (attempt, base) in (1..).zip(expected) {
            for fov in 0..1_000 {
                let delay = delay_millis(&run("r"), fov, Stage::Track, attempt);
                assert!((base * 3 / 4..=base * 5 / 4).contains(&delay), "attempt {attempt}: {delay} ms");
            }
        }
        assert!(delay_millis(&run("r"), 0, Stage::Copy, u32::MAX) <= 75_000);
    }

    #[test]
    fn jitter_spreads_evenly_over_fovs() {
        let mut tenths = [0; 10];
        for fov in 0..10_000 {
            let delay = delay_millis(&run("0198c0de"), fov, Stage::Copy, 1);
            tenths[((delay - 750) / 51) as usize] += 1;
        }
        for count in tenths {
            assert!((800..=1_200).contains(&count), "{tenths:?}");
        }
    }

    #[test]
    fn jitter_depends_on_every_argument() {
        let delay = |id: &str, fov, stage, attempt| delay_millis(&run(id), fov, stage, attempt);
        let reference = |fov| delay("r", fov, Stage::Copy, 7);
        let differs = |other: &dyn Fn(u32) -> u64| (0..1_000).filter(|&fov| other(fov) != reference(fov)).count();
        assert!(differs(&|fov| delay("q", fov, Stage::Copy, 7)) > 950);
        assert!(differs(&|fov| delay("r", fov + 1, Stage::Copy, 7)) > 950);
        assert!(differs(&|fov| delay("r", fov, Stage::Crop, 7)) > 950);
        assert!(differs(&|fov| delay("r", fov, Stage::Copy, 8)) > 950);
    }

    #[test]
    fn the_hash_is_fnv1a_as_published() {
        assert_eq!(fnv1a("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a".bytes()), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a("foobar".bytes()), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn what_is_due_comes_in_turn_over_the_runs() {
        let mut retries = Retries::default();
        let retry = |at, id, fov| Retry { at: Millis(at), run: run(id), fov, stage: Stage::Copy, attempt: 1 };
        for fov in 0..3 {
            retries.push(retry(10 + u64::from(fov), "a", fov));
        }
        retries.push(retry(20, "b", 7));
        retries.push(retry(21, "c", 8));
        retries.push(retry(31, "b", 9));

        assert_eq!(retries.take_due(Millis(9)), []);
        let order: Vec<_> = retries.take_due(Millis(30)).into_iter().map(|retry| retry.fov).collect();
        assert_eq!(order, [0, 7, 8, 1, 2]);
        assert_eq!(retries.earliest(), Some(Millis(31)));
        retries.forget(&run("b"));
        assert_eq!(retries.earliest(), None);
    }
}
