//! The tables that `fovflow run` prints.

use std::collections::BTreeMap;

use fovflow_common::plan::Stage;

/// A line for each stage: its name, then counts under headings of which some have two words.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    rows: BTreeMap<Stage, Vec<usize>>,
}

impl Table {
    /// Finds a line for each stage in what was printed.
    pub fn parse(text: &str) -> Self {
        let row = |stage: Stage| {
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(stage.name()));
            let line = line.unwrap_or_else(|| panic!("the table has no line for {stage}:\n{text}"));
            let counts = line.split_whitespace().skip(1).map_while(|word| word.parse().ok());
            (stage, counts.collect())
        };
        Self { rows: Stage::ALL.into_iter().map(row).collect() }
    }

    /// The counts of one column, in the order of stages.
    pub fn column(&self, index: usize) -> [usize; Stage::ALL.len()] {
        Stage::ALL.map(|stage| self.rows[&stage][index])
    }
}

/// The columns of a run's summary.
pub mod made {
    /// FOVs whose stage was made by this run.
    pub const MADE: usize = 0;
    /// FOVs whose stage was done before.
    pub const ALREADY: usize = 1;
    /// FOVs whose stage the configuration skips.
    pub const SKIPPED: usize = 2;
    /// FOVs whose stage failed.
    pub const FAILED: usize = 3;
}

/// The columns of what `--dry-run` prints.
pub mod outlook {
    /// FOVs whose stage is done.
    pub const DONE: usize = 0;
    /// FOVs whose stage was never done.
    pub const NEW: usize = 1;
    /// FOVs whose stage is done again because something changed.
    pub const CHANGED: usize = 2;
    /// FOVs whose stage is done for some of its parts.
    pub const PARTLY: usize = 3;
    /// FOVs whose stage is skipped.
    pub const SKIPPED: usize = 4;
}
