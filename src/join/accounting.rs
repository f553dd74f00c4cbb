//! The conservation law: what came in equals the sum of its outcomes.

/// What becomes of a label record: exactly one of these at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabelOutcome {
    /// No prediction has met it yet.
    Waiting,
    /// The model's task cannot read it.
    Rejected,
    /// It repeats what is known.
    Duplicate,
    /// It took back a label.
    Retracted,
    /// It replaced a label.
    Corrected,
    /// It gave a waiting prediction its label, or belonged to a failed request.
    Used,
}

impl LabelOutcome {
    /// All outcomes, by their number.
    pub const ALL: [LabelOutcome; 6] = [
        LabelOutcome::Waiting,
        LabelOutcome::Rejected,
        LabelOutcome::Duplicate,
        LabelOutcome::Retracted,
        LabelOutcome::Corrected,
        LabelOutcome::Used,
    ];
}

/// Records of one partition by outcome, since its beginning. A label that did several things to several predictions
/// counts as the greatest of them in the order of [`LabelOutcome`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Prediction records that reached the join.
    pub prediction_records: u64,
    /// Accepted predictions.
    pub predictions: u64,
    /// Failed requests.
    pub errors: u64,
    /// The same prediction again.
    pub duplicate_predictions: u64,
    /// Predictions whose windows were final.
    pub late_predictions: u64,
    /// Predictions that were dead-lettered by the join.
    pub rejected_predictions: u64,
    /// Accepted predictions that have a label, or had one when they were forgotten.
    pub matched: u64,
    /// Accepted predictions that were dropped without a label.
    pub expired: u64,
    /// Accepted predictions without a label, and failed requests whose label has not come, that are still held.
    pub waiting_predictions: u64,
    /// Failed requests that are no longer waiting for their label.
    pub settled_errors: u64,
    /// Label records that reached the join.
    pub label_records: u64,
    /// Gave a waiting prediction its label.
    pub used_labels: u64,
    /// Said what was known.
    pub duplicate_labels: u64,
    /// Replaced a label.
    pub corrected_labels: u64,
    /// Took a label back.
    pub retracted_labels: u64,
    /// Not met by a prediction, still held.
    pub waiting_labels: u64,
    /// Not met by a prediction and dropped.
    pub orphan_labels: u64,
    /// Came when their prediction was gone.
    pub late_labels: u64,
    /// Dead-lettered by the join.
    pub rejected_labels: u64,
    /// Waiting predictions and labels that were dropped before their time, because more were held than the cap allows.
    /// They are among the expired and the orphans.
    pub evicted: u64,
    /// Values that a cap folded into `__other__`.
    pub folded: u64,
}

impl Accounting {
    /// Counts a label's outcome, taking back `before` if it had another.
    pub fn label(&mut self, before: Option<LabelOutcome>, now: LabelOutcome) {
        if let Some(before) = before {
            // Waiting labels are counted where they wait.
            if let Some(count) = self.label_count(before) {
                *count -= 1;
            }
        }
        if let Some(count) = self.label_count(now) {
            *count += 1;
        }
    }

    fn label_count(&mut self, outcome: LabelOutcome) -> Option<&mut u64> {
        match outcome {
            LabelOutcome::Waiting => None,
            LabelOutcome::Used => Some(&mut self.used_labels),
            LabelOutcome::Duplicate => Some(&mut self.duplicate_labels),
            LabelOutcome::Corrected => Some(&mut self.corrected_labels),
            LabelOutcome::Retracted => Some(&mut self.retracted_labels),
            LabelOutcome::Rejected => Some(&mut self.rejected_labels),
        }
    }

    /// All counts, in the order of the fields.
    fn counts(&mut self) -> [&mut u64; 21] {
        [
            &mut self.prediction_records,
            &mut self.predictions,
            &mut self.errors,
            &mut self.duplicate_predictions,
            &mut self.late_predictions,
            &mut self.rejected_predictions,
            &mut self.matched,
            &mut self.expired,
            &mut self.waiting_predictions,
            &mut self.settled_errors,
            &mut self.label_records,
            &mut self.used_labels,
            &mut self.duplicate_labels,
            &mut self.corrected_labels,
            &mut self.retracted_labels,
            &mut self.waiting_labels,
            &mut self.orphan_labels,
            &mut self.late_labels,
            &mut self.rejected_labels,
            &mut self.evicted,
            &mut self.folded,
        ]
    }

    /// All counts as numbers, for the log of the state.
    pub fn to_numbers(mut self) -> [u64; 21] {
        self.counts().map(|count| *count)
    }

    /// From what [`Self::to_numbers`] gave.
    pub fn from_numbers(numbers: [u64; 21]) -> Accounting {
        let mut accounting = Accounting::default();
        accounting.counts().into_iter().zip(numbers).for_each(|(count, number)| *count = number);
        accounting
    }

    /// The law, for predictions and for labels; an error says which side is off by how much.
    pub fn check(&self) -> Result<(), String> {
        let outcomes = self.predictions
            + self.errors
            + self.duplicate_predictions
            + self.late_predictions
            + self.rejected_predictions;
        balanced("prediction records", self.prediction_records, outcomes)?;
        let accepted = self.matched + self.expired + self.waiting_predictions + self.settled_errors;
        balanced("accepted predictions and failed requests", self.predictions + self.errors, accepted)?;
        let outcomes = self.used_labels
            + self.duplicate_labels
            + self.corrected_labels
            + self.retracted_labels
            + self.waiting_labels
            + self.orphan_labels
            + self.late_labels
            + self.rejected_labels;
        balanced("label records", self.label_records, outcomes)
    }

    /// Adds another partition's.
    pub fn merge(&mut self, other: &Accounting) {
        self.counts().into_iter().zip(other.to_numbers()).for_each(|(count, more)| *count += more);
    }
}

fn balanced(what: &str, came_in: u64, outcomes: u64) -> Result<(), String> {
    if came_in == outcomes { Ok(()) } else { Err(format!("{what}: {came_in} came in, {outcomes} have an outcome")) }
}
