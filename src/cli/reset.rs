//! `postdict topics reset`: starting anew, on purpose.

use super::{Failure, print};
use crate::stage::Options;
use crate::stage::admin::Admin;
use crate::stage::plan::{FoundTopic, TopicPlan};
use crate::stage::reset::Reset;
use std::collections::BTreeMap;

/// Topics of the state that are there, by name: they are made again as they were.
pub(super) type Before = BTreeMap<String, FoundTopic>;

/// Deletes the state, or says what would be deleted. `Err` in the result: nothing was.
pub(super) fn delete(
    admin: &Admin,
    options: &Options,
    plan: &TopicPlan,
    is_sure: bool,
) -> Result<Result<Before, Failure>, String> {
    let reset = Reset::new(admin, options, plan);
    reset.check_idle()?;
    let mut before = Before::new();
    let will = if is_sure { "deletes" } else { "would delete" };
    for topic in plan.state().topics {
        if let Some(found) = admin.look(&topic.name)? {
            let _ = print(&format!("{will} topic {} with {} partitions\n", topic.name, found.partitions));
            before.insert(topic.name, found);
        }
    }
    for group in reset.groups() {
        let _ = print(&format!("{will} the offsets of group {group}\n"));
    }
    if !is_sure {
        eprintln!(
            "error: nothing was deleted. With --yes it is: the service then reads its inputs from their beginning, and \
             revisions of metrics and numbers of alerts' changes begin at 1 again"
        );
        return Ok(Err(Failure::Usage));
    }
    reset.delete()?;
    Ok(Ok(before))
}
