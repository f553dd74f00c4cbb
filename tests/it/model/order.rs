//! The fold does not depend on how the records went through the tasks, bit by bit.

use super::against::{CASES, cases};
use super::drive::{Plan, Run, plans, run};
use super::naive::AtEnd;
use super::world::{Memory, World, worlds};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn assert_same_fold(one: &Run, other: &Run) {
    let (one, other) = (one.fold_text(), other.fold_text());
    let differing = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| -> Vec<String> {
        a.iter().filter(|(id, row)| b.get(*id) != Some(row)).map(|(_, row)| row.clone()).take(3).collect()
    };
    let (left, right) = (differing(&one, &other), differing(&other, &one));
    assert!(left.is_empty() && right.is_empty(), "left: {left:#?}\nright: {right:#?}");
}

fn check(world: &World, plan: &Plan, at_end: AtEnd) {
    let reference = run(world, &Plan::simple(), at_end);
    let other = run(world, plan, at_end);
    assert_eq!((reference.rejected("late"), other.rejected("late")), (0, 0), "worlds have no late records");
    assert_eq!((reference.late_rows, other.late_rows), (0, 0), "and no late partials");
    assert_eq!((reference.skipped_outcomes, other.skipped_outcomes), (0, 0), "and none that detectors skip");
    assert_same_fold(&reference, &other);
}

proptest! {
    #![proptest_config(cases(2 * CASES))]

    #[test]
    fn the_fold_is_the_same_for_any_order_batches_partitions_and_threads(world in worlds(Memory::All), plan in plans()) {
        check(&world, &plan, AtEnd::Hold);
    }

    #[test]
    fn the_fold_of_all_closed_is_the_same_too(world in worlds(Memory::All), plan in plans()) {
        check(&world, &plan, AtEnd::Close);
    }

    #[test]
    fn the_fold_is_the_same_where_models_forget_on_match(world in worlds(Memory::None), plan in plans()) {
        check(&world, &plan, AtEnd::Hold);
    }

    #[test]
    fn the_fold_is_the_same_where_some_models_forget_on_match(world in worlds(Memory::Some), plan in plans()) {
        check(&world, &plan, AtEnd::Hold);
    }
}
