//! The loops of an ND2 acquisition, from chunk `ImageMetadataLV!` (version 3) or `ImageMetadata!` (version 2).
//!
//! A loop has a type, parameters and the loops within it, so the nesting tells the order in which frames were taken.
//! Types: 1 time, 2 positions, 4 Z stack, 6 channels (they lie within a frame and so are no loop here), 7 custom, 8 time in
//! phases of different period.

use super::clx::{Document, Value};
use crate::source::error::SourceError;

/// What a loop runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Time,
    Position,
    Z,
}

impl Axis {
    fn name(self) -> &'static str {
        match self {
            Axis::Time => "time",
            Axis::Position => "position",
            Axis::Z => "z",
        }
    }
}

/// One loop with at least one step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loop {
    pub(super) axis: Axis,
    pub(super) count: u32,
    /// Of a time loop: milliseconds between two steps, where the file has one figure for all of them.
    pub(super) period_ms: Option<f64>,
    /// Of a position loop: the names of its positions.
    pub(super) names: Vec<Option<String>>,
}

/// The loops of the experiment, outermost first; none for a single frame. No axis comes twice.
pub(super) fn parse(document: &Document) -> Result<Vec<Loop>, SourceError> {
    let loops = nested_loops(document, document.unwrapped("SLxExperiment"))?;
    for (index, step) in loops.iter().enumerate() {
        if loops[..index].iter().any(|outer| outer.axis == step.axis) {
            return Err(document.unsupported(
                format!("two nested {} loops", step.axis.name()),
                "one time, one position and one z loop",
            ));
        }
    }
    Ok(loops)
}

/// The loop of `level`, if it is one, and those within it. The depth is limited by the parser's.
fn nested_loops(document: &Document, level: &Value) -> Result<Vec<Loop>, SourceError> {
    let mut loops: Vec<Loop> = parse_loop(document, level)?.into_iter().collect();
    let next = level.get("ppNextLevelEx").map(Value::items).unwrap_or_default();
    let siblings = if next.is_empty() { sub_loops(level) } else { next };

    // Loops side by side describe the frames of one step of the loop around them, so that the longest of them counts; if
    // they run over different axes, no order of frames can be told.
    let mut longest: Option<Vec<Loop>> = None;
    for (_, sibling) in siblings {
        let candidate = nested_loops(document, unwrap_experiment(sibling))?;
        let Some(best) = &longest else {
            longest = Some(candidate);
            continue;
        };
        let axes = |loops: &[Loop]| loops.iter().map(|step| step.axis).collect::<Vec<_>>();
        if axes(best) != axes(&candidate) {
            return Err(document.unsupported("parallel loops over different axes", "loops within each other"));
        }
        if frame_total(&candidate) > frame_total(best) {
            longest = Some(candidate);
        }
    }
    loops.extend(longest.unwrap_or_default());
    Ok(loops)
}

fn frame_total(loops: &[Loop]) -> u64 {
    loops.iter().fold(1, |total: u64, step| total.saturating_mul(step.count.into()))
}

/// Time in phases keeps the inner loops with its phases in some files; those of the first phase stand for all.
fn sub_loops(level: &Value) -> &[(String, Value)] {
    let first_phase = parameters(level).get("pSubLoops").and_then(|phases| phases.items().first());
    let Some((_, phase)) = first_phase else {
        return &[];
    };
    phase.get("ppNextLevelEx").map(Value::items).unwrap_or_default()
}

fn unwrap_experiment(value: &Value) -> &Value {
    value.get("SLxExperiment").unwrap_or(value)
}

/// A loop's parameters; version 2 wraps them in a list of one.
fn parameters(level: &Value) -> &Value {
    const NONE: &Value = &Value::Level(Vec::new());
    let Some(parameters) = level.get("uLoopPars") else {
        return NONE;
    };
    match parameters.items() {
        [(name, inner)] if name.is_empty() || name == "i0000000000" => inner,
        _ => parameters,
    }
}

fn parse_loop(document: &Document, level: &Value) -> Result<Option<Loop>, SourceError> {
    let parameters = parameters(level);
    let count = parameters.get("uiCount").and_then(Value::as_u32).unwrap_or(0);
    let found = match level.get("eType").and_then(Value::as_u32).unwrap_or(0) {
        0 | 6 => return Ok(None),
        1 => Loop { axis: Axis::Time, count, period_ms: period_ms(parameters), names: Vec::new() },
        2 => position_loop(level, parameters, count),
        4 => Loop { axis: Axis::Z, count, period_ms: None, names: Vec::new() },
        7 if count <= 1 => return Ok(None),
        8 => phased_time_loop(document, parameters)?,
        other => {
            return Err(document.unsupported(
                format!("an acquisition loop of type {other} with {count} steps"),
                "loops over time, positions and z",
            ));
        }
    };
    Ok((found.count > 0).then_some(found))
}

/// The planned period, or the measured one where the camera ran freely.
fn period_ms(parameters: &Value) -> Option<f64> {
    let period = |name: &str| parameters.get(name).and_then(Value::as_f64);
    let is_usable = |period: &f64| period.is_finite() && *period > 0.0;
    period("dPeriod").filter(is_usable).or(period("dAvgPeriodDiff").filter(is_usable))
}

/// Positions that the user unticked are in the list, but have no frames.
fn position_loop(level: &Value, parameters: &Value, count: u32) -> Loop {
    let valid = level.get("pItemValid").and_then(Value::as_flags).unwrap_or_default();
    let names = position_names(parameters, count);
    let names: Vec<_> = if valid.is_empty() {
        names
    } else {
        let is_valid = |index: usize| valid.get(index).copied().unwrap_or(false);
        names.into_iter().enumerate().filter(|(index, _)| is_valid(*index)).map(|(_, name)| name).collect()
    };
    Loop { axis: Axis::Position, count: u32::try_from(names.len()).unwrap_or(u32::MAX), period_ms: None, names }
}

/// A name, or `None`, for each position: from a list of points, from lists of coordinates, or from the bare count.
fn position_names(parameters: &Value, count: u32) -> Vec<Option<String>> {
    let text = |value: &Value| value.as_text().map(str::to_string);
    if let Some(points) = parameters.get("Points") {
        let name = |point: &Value| point.get("dPosName").and_then(text).or(point.get("pPosName").and_then(text));
        return points.items().iter().map(|(_, point)| name(point)).collect();
    }
    let names = parameters.get("pPosName").map(Value::items).unwrap_or_default();
    let coordinates = parameters.get("dPosX").map(|list| list.items().len());
    // A count without a list is only as large as a file of that many frames could be; it is held against them later.
    let positions = coordinates.unwrap_or((count as usize).min(super::clx::MAX_VALUES));
    (0..positions).map(|index| names.get(index).and_then(|(_, name)| text(name))).collect()
}

fn phased_time_loop(document: &Document, parameters: &Value) -> Result<Loop, SourceError> {
    let valid = parameters.get("pPeriodValid").and_then(Value::as_flags).unwrap_or_default();
    let phases = parameters.get("pPeriod").map(Value::items).unwrap_or_default();
    let mut count: u32 = 0;
    let mut periods = Vec::new();
    for (index, (_, phase)) in phases.iter().enumerate() {
        let is_valid = valid.is_empty() || valid.get(index).copied().unwrap_or(false);
        let steps = phase.get("uiCount").and_then(Value::as_u32).unwrap_or(0);
        if !is_valid || steps == 0 {
            continue;
        }
        count = count
            .checked_add(steps)
            .ok_or_else(|| document.corrupt("the phases of the time loop have more than 4294967295 steps"))?;
        periods.push(period_ms(phase));
    }
    let first = periods.first().copied().flatten();
    Ok(Loop {
        axis: Axis::Time,
        count,
        period_ms: first.filter(|_| periods.iter().all(|period| *period == first)),
        names: Vec::new(),
    })
}

#[cfg(test)]
#[path = "experiment_tests.rs"]
mod tests;
