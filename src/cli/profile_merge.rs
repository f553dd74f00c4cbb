//! `postdict profile merge`: profiles of hours into that of a week.

use super::{Failure, grouped};
use crate::event::profile::merge;
use crate::event::{Profile, ProfileError};
use std::path::{Path, PathBuf};

/// Adds the profiles of `paths` and writes their sum to `out`.
pub(super) fn run(paths: &[PathBuf], out: &Path) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        eprintln!("error: {error}");
        Failure::Running
    };
    let mut profiles = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|error| failed(&format!("{}: {error}", path.display())))?;
        profiles.extend(all_of(&text).map_err(|error| failed(&format!("{}: {error}", path.display())))?);
    }
    let count = profiles.len();
    let merged = merge(profiles).map_err(|error| failed(&error))?;
    std::fs::write(out, merged.to_json()).map_err(|error| failed(&format!("{}: {error}", out.display())))?;
    eprintln!(
        "profile {} of model `{}`: {} predictions of {count} profiles, written to {}",
        merged.id,
        merged.model_id,
        grouped(merged.rows.unsigned_abs()),
        out.display()
    );
    Ok(())
}

/// The profiles of a text: one in any layout, or one a line.
fn all_of(text: &str) -> Result<Vec<Profile>, ProfileError> {
    let is_one_a_line = text.lines().next().is_some_and(|line| line.trim_end().ends_with('}'));
    if is_one_a_line {
        text.lines().filter(|line| !line.trim().is_empty()).map(Profile::from_json).collect()
    } else {
        Profile::from_json(text).map(|profile| vec![profile])
    }
}
