//! What is wrong with a configuration, where, and what to do about it; rendered the way rustc does.
//!
//! A check collects every problem before it gives up, because an operator who fixes one mistake per run loses patience
//! (and a deployment pipeline loses ten minutes) per mistake.

use std::fmt;

/// A stretch of one line of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters; at least 1.
    pub length: usize,
}

/// Whether the configuration can be used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but something in it does not do what it seems to.
    Warning,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// Where; `None` where the file as a whole is meant.
    pub place: Option<Place>,
    /// Path of the key, such as `models.car-loan.windows[1].size`; empty for the file as a whole.
    pub path: String,
    /// What is wrong: one line, no full stop.
    pub message: String,
    /// What would be right, written under the place.
    pub expected: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// Says what would be right.
    pub(super) fn expected(&mut self, expected: impl Into<String>) -> &mut Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what to do.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// Where a value stands: its place in the file and the path of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    pub place: Place,
    pub path: String,
}

/// Collects problems while a configuration is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
}

impl Report {
    /// Adds an error and returns it, so that what is expected and what helps can be added.
    pub fn error(&mut self, at: &At, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, Some(at.place), &at.path, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, at: &At, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, Some(at.place), &at.path, message.into())
    }

    /// Adds an error about the file as a whole.
    pub fn file_error(&mut self, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, None, "", message.into())
    }

    fn add(&mut self, severity: Severity, place: Option<Place>, path: &str, message: String) -> &mut Problem {
        self.problems.push(Problem { severity, place, path: path.to_owned(), message, expected: None, help: None });
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Everything found, in the order of the file. What several models inherit from `defaults` is said once.
    pub fn into_problems(self, file_name: &str, text: &str) -> Problems {
        let mut list = self.problems;
        list.sort_by(|a, b| (a.place, &a.path, &a.message).cmp(&(b.place, &b.path, &b.message)));
        list.dedup_by(|a, b| (a.place, &a.path, &a.message) == (b.place, &b.path, &b.message));
        let lines = list.iter().filter_map(|problem| problem.place).map(|place| place.line);
        let all: Vec<&str> = text.lines().collect();
        let mut quoted: Vec<(usize, String)> =
            lines.filter_map(|line| Some((line, (*all.get(line.checked_sub(1)?)?).to_owned()))).collect();
        quoted.dedup();
        Problems { file_name: file_name.to_owned(), list, quoted }
    }
}

/// All problems of one configuration file. `Display` renders them without colour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems {
    file_name: String,
    list: Vec<Problem>,
    /// The lines that problems point to, sorted by number.
    quoted: Vec<(usize, String)>,
}

impl std::error::Error for Problems {}

impl Problems {
    /// The problems, in the order of the file; those about the file as a whole first.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// True if the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|problem| problem.severity == severity).count()
    }

    fn line(&self, number: usize) -> Option<&str> {
        let index = self.quoted.binary_search_by_key(&number, |(line, _)| *line).ok()?;
        Some(&self.quoted[index].1)
    }

    fn render(&self, problem: &Problem, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(out, "{severity}: {}", problem.message)?;
        let Some(place) = problem.place else {
            writeln!(out, " --> {}", self.file_name)?;
            return match &problem.help {
                Some(help) => writeln!(out, "  = help: {help}"),
                None => Ok(()),
            };
        };
        let margin = " ".repeat(place.line.to_string().len());
        write!(out, "{margin}--> {}:{}:{}", self.file_name, place.line, place.column)?;
        if !problem.path.is_empty() {
            write!(out, " ({})", problem.path)?;
        }
        writeln!(out)?;
        let quote = Quote::of(self.line(place.line).unwrap_or_default(), place);
        writeln!(out, "{margin} |")?;
        writeln!(out, "{} | {}", place.line, quote.line)?;
        write!(out, "{margin} | {}{}", " ".repeat(quote.indent), "^".repeat(quote.length))?;
        if let Some(expected) = &problem.expected {
            write!(out, " expected {expected}")?;
        }
        writeln!(out)?;
        if let Some(help) = &problem.help {
            writeln!(out, "{margin} = help: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            self.render(problem, out)?;
            writeln!(out)?;
        }
        let counts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning")]
            .into_iter()
            .map(|(severity, name)| (self.count(severity), name))
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }))
            .collect();
        write!(
            out,
            "{}: {}",
            self.file_name,
            if counts.is_empty() { "no problems".to_owned() } else { counts.join(", ") }
        )
    }
}

/// The visible part of a line and where the carets go under it.
struct Quote {
    line: String,
    indent: usize,
    length: usize,
}

impl Quote {
    /// Longest part of a line that is shown; a schema or a certificate pasted on one line would fill the screen.
    const WIDTH: usize = 140;
    /// What is shown of a long line before the place.
    const BEFORE: usize = 40;

    fn of(line: &str, place: Place) -> Quote {
        // One column per character, whatever a tab or a control character would do to the terminal.
        let characters: Vec<char> = line
            .chars()
            .map(|c| {
                if c == '\t' {
                    ' '
                } else if c.is_control() {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })
            .collect();
        let column = (place.column.saturating_sub(1)).min(characters.len());
        let start = if characters.len() <= Self::WIDTH { 0 } else { column.saturating_sub(Self::BEFORE) };
        let end = characters.len().min(start + Self::WIDTH);
        let mut shown: String = characters[start..end].iter().collect();
        let cut = if start > 0 { 1 } else { 0 };
        if cut == 1 {
            shown.insert(0, '…');
        }
        if end < characters.len() {
            shown.push('…');
        }
        let length = place.length.min(end.saturating_sub(column)).max(1);
        Quote { line: shown, indent: cut + column - start, length }
    }
}

/// The path of `key` under `path`: `models.car-loan`, with a key in quotes where a dot would mislead.
pub(super) fn child_path(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let key = if plain { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize, length: usize, path: &str) -> At {
        At { place: Place { line, column, length }, path: path.to_owned() }
    }

    #[test]
    fn a_problem_is_rendered_with_line_caret_expectation_and_help() {
        let mut report = Report::default();
        report.error(&at(2, 3, 8, "models.a.treshold"), "unknown key `treshold`").help("did you mean `threshold`?");
        report.warning(&at(1, 1, 4, "a"), "no effect").expected("nothing");
        let shown = report.into_problems("p.yaml", "a: 1\n  treshold: 2\n").to_string();
        let wanted = "warning: no effect\n --> p.yaml:1:1 (a)\n  |\n1 | a: 1\n  | ^^^^ expected nothing\n\n\
            error: unknown key `treshold`\n --> p.yaml:2:3 (models.a.treshold)\n  |\n2 |   treshold: 2\n  |   ^^^^^^^^\n  \
            = help: did you mean `threshold`?\n\np.yaml: 1 error, 1 warning";
        assert_eq!(shown, wanted);
    }

    #[test]
    fn the_same_problem_at_the_same_place_is_said_once() {
        let mut report = Report::default();
        report.error(&at(1, 1, 1, "a"), "wrong");
        report.error(&at(1, 1, 1, "a"), "wrong");
        report.error(&at(1, 1, 1, "a"), "also wrong");
        assert_eq!(report.into_problems("p.yaml", "a").list().len(), 2);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}HERE{}", "x".repeat(500), "y".repeat(500));
        let quote = Quote::of(&line, Place { line: 1, column: 501, length: 4 });
        let marked: String = quote.line.chars().skip(quote.indent).take(quote.length).collect();
        assert_eq!(marked, "HERE");
        assert!(quote.line.chars().count() <= Quote::WIDTH + 2);
    }

    #[test]
    fn a_place_beyond_the_line_still_has_a_caret() {
        let quote = Quote::of("ab\tc", Place { line: 1, column: 9, length: 3 });
        assert_eq!((quote.line.as_str(), quote.indent, quote.length), ("ab c", 4, 1));
    }

    #[test]
    fn keys_with_dots_are_quoted_in_paths() {
        assert_eq!(child_path("models", "car-loan"), "models.car-loan");
        assert_eq!(child_path("models", "a.b"), "models.\"a.b\"");
    }
}
