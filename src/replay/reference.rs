//! The labels of a reference: files straight through the join, as a replay would, and what became of one model's predictions.

use super::{AtEnd, Layout, Progress, Replay, ReplayError, Summary};
use crate::assess::Revisions;
use crate::drift::profile::AllPredictions;
use crate::event::{LabelledRow, Settings};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

impl Replay {
    /// Gives `each` the rows of `model_id`'s predictions and what became of them, and returns all of them together.
    ///
    /// # Errors
    /// If a file cannot be read to its end, or `each` fails.
    pub fn labelled<E: From<ReplayError>>(
        self,
        model_id: &str,
        progress: &Progress,
        mut each: impl FnMut(LabelledRow) -> Result<(), E>,
    ) -> Result<(AllPredictions, Summary), E> {
        let replay = Replay { with_labelled: true, ..self };
        let mut all = AllPredictions::new(replay.settings.caps.classes);
        let mut summary = Summary::default();
        let stop = AtomicBool::new(false);
        replay.join(progress, &stop, &mut summary, &mut |commit, _, _| {
            all.add(&commit.partials, model_id);
            commit.labelled.into_iter().filter(|row| *row.model_id == *model_id).try_for_each(&mut each)
        })?;
        Ok((all, summary))
    }

    /// How a model's labels are read from `labels` beside `predictions`, with nothing left out.
    pub fn of_reference(
        predictions: &[PathBuf],
        labels: &[PathBuf],
        layout: Layout,
        settings: Arc<Settings>,
    ) -> Replay {
        Replay {
            predictions: predictions.to_vec(),
            labels: labels.to_vec(),
            layout,
            settings,
            at_end: AtEnd::Close,
            revisions: Revisions::Final,
            with_labelled: false,
            commit_every_ms: None,
            from: None,
            to: None,
            limit: None,
        }
    }
}
