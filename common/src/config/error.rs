//! What may be wrong with a configuration, said so that the user can put it right.

use std::fmt;

use thiserror::Error;

/// How many problems are told in full. A file of another kind altogether has thousands.
const MAX_TOLD: usize = 50;
/// How many characters of a user's text a message repeats.
const MAX_QUOTED: usize = 60;

/// A configuration that can't be used, with all that's wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", describe(.problems, *.untold))]
pub struct ConfigError {
    problems: Vec<Problem>,
    untold: usize,
}

/// One thing that's wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the value was given; `None` for a configuration that wasn't read from anywhere, and for missing values.
    pub origin: Option<Origin>,
    /// Where in the file.
    pub position: Option<Position>,
    /// The dotted path of the key, such as `params.tracking.min_iou`; empty where the text as a whole is meant.
    pub path: String,
    /// What's wrong, what's expected, and what to do.
    pub message: String,
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, by the name under which the user knows it.
    File(String),
    /// An environment variable, by its name.
    Environment(String),
    /// A command-line flag, as `--set`.
    Flag(String),
}

/// A place in a text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl ConfigError {
    /// Everything that's wrong, in the order in which it was found. At most the first 50 problems are kept.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Problem {
    /// A problem with the value at a path.
    pub(super) fn new(path: &str, message: impl Into<String>) -> Self {
        Self { origin: None, position: None, path: path.to_owned(), message: message.into() }
    }

    /// The same problem, with where the value was given. Without a position, its own stays. One is of use in a file only.
    pub(super) fn at(self, origin: &Origin, position: Option<Position>) -> Self {
        let position = position.or(self.position).filter(|_| matches!(origin, Origin::File(_)));
        Self { origin: Some(origin.clone()), position, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}")?;
            if let Some(Position { line, column }) = self.position {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) | Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Collects problems, so that the user learns of all of them at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Problems {
    told: Vec<Problem>,
    untold: usize,
}

impl Problems {
    /// Adds one.
    pub(super) fn push(&mut self, problem: Problem) {
        if self.told.len() < MAX_TOLD {
            self.told.push(problem);
        } else {
            self.untold += 1;
        }
    }

    /// Fails with everything that was found, if anything was.
    pub(super) fn into_result(self) -> Result<(), ConfigError> {
        if self.told.is_empty() {
            return Ok(());
        }
        Err(ConfigError { problems: self.told, untold: self.untold })
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], untold: 0 }
    }
}

/// A user's text as a message repeats it: in quotes, on one line, and not endless.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().count() <= MAX_QUOTED {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(MAX_QUOTED).collect();
    format!("{start:?}…")
}

fn describe(problems: &[Problem], untold: usize) -> String {
    if let ([problem], 0) = (problems, untold) {
        return problem.to_string();
    }
    let mut text = format!("the configuration has {} problems:", problems.len() + untold);
    for problem in problems {
        text.push_str(&format!("\n  {problem}"));
    }
    if untold > 0 {
        text.push_str(&format!("\n  and {untold} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_and_what() {
        let problem = Problem::new("params.batch_size", "must be 1 or more, found 0");
        assert_eq!(problem.to_string(), "params.batch_size: must be 1 or more, found 0");
        let origin = Origin::File("a.yaml".to_owned());
        let in_file = problem.at(&origin, Some(Position { line: 3, column: 5 }));
        assert_eq!(in_file.to_string(), "a.yaml:3:5: params.batch_size: must be 1 or more, found 0");
    }

    #[test]
    fn many_problems_are_listed_but_not_without_end() {
        let mut problems = Problems::default();
        for i in 0..MAX_TOLD + 7 {
            problems.push(Problem::new(&format!("key_{i}"), "unknown key"));
        }
        let text = problems.into_result().unwrap_err().to_string();
        assert!(text.starts_with("the configuration has 57 problems:\n  key_0: unknown key\n"), "{text}");
        assert!(text.ends_with("\n  key_49: unknown key\n  and 7 more"), "{text}");
    }

    #[test]
    fn repeated_text_stays_on_one_line_and_short() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), MAX_QUOTED + 3);
    }
}
