use super::*;

fn level(items: &[(&str, Value)]) -> Value {
    Value::Level(items.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
}

fn list(items: &[Value]) -> Value {
    Value::Level(items.iter().map(|value| (String::new(), value.clone())).collect())
}

fn simple_loop(kind: u64, count: u64, next: &[Value]) -> Value {
    level(&[
        ("eType", Value::UInt(kind)),
        ("uLoopPars", level(&[("uiCount", Value::UInt(count)), ("dPeriod", Value::Float(250.0))])),
        ("ppNextLevelEx", list(next)),
    ])
}

fn parse_value(value: Value) -> Result<Vec<Loop>, SourceError> {
    parse(&Document {
        location: "movie.nd2".to_string(),
        chunk: "chunk ImageMetadataLV!".to_string(),
        offset: 0,
        value: level(&[("SLxExperiment", value)]),
    })
}

fn shape(loops: &[Loop]) -> Vec<(Axis, u32)> {
    loops.iter().map(|step| (step.axis, step.count)).collect()
}

#[test]
fn nesting_gives_the_order() {
    let z_in_time = simple_loop(1, 3, &[simple_loop(6, 2, &[simple_loop(4, 10, &[])])]);
    let loops = parse_value(z_in_time).unwrap();
    assert_eq!(shape(&loops), [(Axis::Time, 3), (Axis::Z, 10)]);
    assert_eq!(loops[0].period_ms, Some(250.0));
    let time_in_z = simple_loop(4, 10, &[simple_loop(1, 3, &[])]);
    assert_eq!(shape(&parse_value(time_in_z).unwrap()), [(Axis::Z, 10), (Axis::Time, 3)]);
}

#[test]
fn loops_without_steps_are_no_loops() {
    assert_eq!(parse_value(simple_loop(1, 0, &[])).unwrap(), []);
    assert_eq!(parse_value(level(&[])).unwrap(), []);
    assert_eq!(parse_value(simple_loop(7, 1, &[])).unwrap(), []);
}

#[test]
fn unticked_positions_are_left_out_and_names_kept() {
    let point = |name: &str| level(&[("dPosX", Value::Float(1.0)), ("dPosName", Value::Text(name.to_string()))]);
    let positions = level(&[
        ("eType", Value::UInt(2)),
        ("uLoopPars", level(&[("uiCount", Value::UInt(3)), ("Points", list(&[point("A1"), point("A2"), point("")]))])),
        ("pItemValid", Value::Bytes(vec![1, 0, 1])),
        ("ppNextLevelEx", list(&[simple_loop(1, 5, &[])])),
    ]);
    let loops = parse_value(positions).unwrap();
    assert_eq!(shape(&loops), [(Axis::Position, 2), (Axis::Time, 5)]);
    assert_eq!(loops[0].names, [Some("A1".to_string()), None]);
}

#[test]
fn phases_of_time_add_up_and_keep_a_common_period_only() {
    let phase = |count: u64, period: f64| {
        level(&[
            ("uiCount", Value::UInt(count)),
            ("dPeriod", Value::Float(0.0)),
            ("dAvgPeriodDiff", Value::Float(period)),
        ])
    };
    let phased = |phases: &[Value]| {
        level(&[
            ("eType", Value::UInt(8)),
            (
                "uLoopPars",
                level(&[
                    ("uiPeriodCount", Value::UInt(3)),
                    ("pPeriod", list(phases)),
                    ("pPeriodValid", Value::Bytes(vec![1, 1, 0])),
                ]),
            ),
        ])
    };
    let loops = parse_value(phased(&[phase(10, 60.0), phase(5, 60.0), phase(99, 1.0)])).unwrap();
    assert_eq!(shape(&loops), [(Axis::Time, 15)]);
    assert_eq!(loops[0].period_ms, Some(60.0));
    let loops = parse_value(phased(&[phase(10, 60.0), phase(5, 30.0)])).unwrap();
    assert_eq!(loops[0].period_ms, None);
    let huge = phase(u32::MAX.into(), 1.0);
    assert!(matches!(parse_value(phased(&[huge.clone(), huge])), Err(SourceError::Corrupt { .. })));
}

#[test]
fn inner_loops_kept_with_a_phase_are_found() {
    let phase = level(&[("uiCount", Value::UInt(4))]);
    let inner = level(&[("SLxExperiment", simple_loop(4, 7, &[]))]);
    let phased = level(&[
        ("eType", Value::UInt(8)),
        (
            "uLoopPars",
            level(&[("pPeriod", list(&[phase])), ("pSubLoops", list(&[level(&[("ppNextLevelEx", list(&[inner]))])]))]),
        ),
    ]);
    assert_eq!(shape(&parse_value(phased).unwrap()), [(Axis::Time, 4), (Axis::Z, 7)]);
}

#[test]
fn side_by_side_the_longest_counts_and_different_axes_are_refused() {
    let same = simple_loop(1, 3, &[simple_loop(4, 5, &[]), simple_loop(4, 9, &[])]);
    assert_eq!(shape(&parse_value(same).unwrap()), [(Axis::Time, 3), (Axis::Z, 9)]);
    let mixed = simple_loop(2, 0, &[simple_loop(4, 5, &[]), simple_loop(1, 9, &[])]);
    assert!(parse_value(mixed).unwrap_err().to_string().contains("parallel loops"));
    let twice = simple_loop(1, 3, &[simple_loop(1, 5, &[])]);
    assert!(parse_value(twice).unwrap_err().to_string().contains("two nested time loops"));
    assert!(parse_value(simple_loop(7, 3, &[])).unwrap_err().to_string().contains("loop of type 7"));
}
