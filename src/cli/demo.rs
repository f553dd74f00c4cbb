//! `postdict demo`
use super::Failure;
/// Watch real flights
#[derive(Debug, clap::Args)]
pub struct Demo {}
impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        Ok(())
    }
}
