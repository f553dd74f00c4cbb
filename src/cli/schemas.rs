//! `postdict schemas`: what Postdict reads and writes, printed from what the code itself uses.

use super::{Failure, print, usage};
use crate::metrics;

/// Print what Postdict reads and writes
#[derive(Debug, clap::Args)]
pub struct Schemas {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the record schemas
    List,
    /// Print one Avro schema
    Show {
        /// One of the names that `list` prints
        name: String,
    },
    /// Print the reference of all metrics: formula, range, inputs, interval, when undefined (Markdown)
    Metrics,
}

/// Every schema: name, what it is, Avro.
const SCHEMAS: [(&str, &str, &str); 6] = [
    ("prediction", "input: what a model claimed, in the default layout", include_str!("../../schemas/prediction.avsc")),
    ("label", "input: what became known, in the default layout", include_str!("../../schemas/label.avsc")),
    ("metrics", "output: one row per metric value and revision", include_str!("../../schemas/metrics.avsc")),
    ("alerts", "output: one row per change of an alert's state", include_str!("../../schemas/alerts.avsc")),
    (
        "dead_letters",
        "output: records that could not be used, with the reason",
        include_str!("../../schemas/dead_letters.avsc"),
    ),
    (
        "labelled",
        "output: predictions with what became of them, when asked for",
        include_str!("../../schemas/labelled.avsc"),
    ),
];

impl Schemas {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::List => print(&SCHEMAS.map(|(name, what, _)| format!("{name:<14}{what}\n")).concat()),
            What::Metrics => print(&metrics::reference()),
            What::Show { name } => {
                let Some((_, _, schema)) = SCHEMAS.iter().find(|(known, _, _)| *known == name) else {
                    let known: Vec<&str> = SCHEMAS.iter().map(|(known, _, _)| *known).collect();
                    return Err(usage(&[format!("no schema is called `{name}`; there are {}", known.join(", "))]));
                };
                print(schema)
            }
        }
    }
}
