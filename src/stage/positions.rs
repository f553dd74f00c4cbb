//! Where the inputs go on: the changelog decides, and the group's offsets and the logs must agree with it. Nothing is ever
//! read from another place in silence.

use super::topic_id::TopicId;

/// What the brokers say about one input of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputLog {
    /// The topic.
    pub topic: String,
    /// Its id, if the brokers say.
    pub id: Option<TopicId>,
    /// The group's offset, if it has one: they expire where nothing is committed for long.
    pub committed: Option<i64>,
    /// First offset that is there.
    pub low: i64,
    /// End of the log.
    pub high: i64,
    /// Where a first start begins.
    pub start: i64,
}

/// What a changelog is called, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Topic and partition.
    pub name: &'a str,
    /// First offset that is there. What is deleted behind a snapshot leaves the snapshot.
    pub begin: i64,
}

/// What the changelog says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Next offset per input.
    pub positions: Vec<i64>,
    /// The topics that the offsets are of, where it says.
    pub topics: Vec<Option<TopicId>>,
}

/// The next offset per input. `logged` is what the changelog says, `None` if it is empty.
///
/// # Errors
/// If the changelog, the group's offsets and the logs contradict each other; says what to do.
pub fn check(
    changelog: Place<'_>,
    partition: i32,
    logged: Option<Logged>,
    inputs: &[InputLog],
) -> Result<Vec<i64>, String> {
    let Some(Logged { positions, topics }) = logged else {
        let Place { name: changelog, begin } = changelog;
        // The group's offsets are no witness of this: they expire.
        if begin > 0 {
            return Err(format!(
                "{changelog} is empty, but begins at offset {begin}: what was in it was deleted. Set `retention.ms=-1` on the \
                 topic, and bring its records back or start anew: `postdict topics reset`"
            ));
        }
        if let Some((input, offset)) = inputs.iter().find_map(|input| Some((input, input.committed?))) {
            return Err(format!(
                "{changelog} is empty, but the group has read `{}`/{partition} up to offset {offset}: the changelog was \
                 deleted. Bring it back, or start anew: `postdict topics reset`",
                input.topic
            ));
        }
        return Ok(inputs.iter().map(|input| input.start).collect());
    };
    for (input, before) in inputs.iter().zip(topics) {
        if let (Some(before), Some(now)) = (before, input.id)
            && before != now
        {
            return Err(recreated(&input.topic, before, now));
        }
    }
    for (input, position) in inputs.iter().zip(&positions) {
        if let Some(offset) = input.committed.filter(|offset| offset != position) {
            return Err(format!(
                "the group's offset of `{}`/{partition} is {offset}, but the changelog goes on at {position}: offsets were \
                 reset by hand, or the changelog was. The changelog holds what was read: set the group's offset to \
                 {position} (kafka-consumer-groups --reset-offsets --to-offset {position}); to read it all again on purpose, start \
                 anew: `postdict topics reset`",
                input.topic
            ));
        }
    }
    check_read_from(partition, &positions, &positions, inputs)?;
    Ok(positions)
}

/// That a topic is another than the one that was read.
pub fn recreated(topic: &str, before: TopicId, now: TopicId) -> String {
    format!(
        "topic `{topic}` has the id {now}, and what was read has {before}: the topic was deleted and created again. What was \
         counted stays counted; to read the topic as a new one, start anew: `postdict topics reset`"
    )
}

/// Checks that the inputs can be read from `read_from` on, which is not after `positions`.
///
/// # Errors
/// If records are missing; says what to do.
pub fn check_read_from(
    partition: i32,
    read_from: &[i64],
    positions: &[i64],
    inputs: &[InputLog],
) -> Result<(), String> {
    if read_from.len() != inputs.len() || read_from.iter().zip(positions).any(|(from, position)| from > position) {
        return Err(format!(
            "partition {partition} would be read from {read_from:?}, though its state is at {positions:?}"
        ));
    }
    for (input, offset) in inputs.iter().zip(read_from) {
        if let Some(what) = gap(&input.topic, partition, *offset, input.low, input.high) {
            return Err(what);
        }
    }
    Ok(())
}

/// Why a log from `low` to `high` cannot be read from `offset` on, if so.
pub fn gap(topic: &str, partition: i32, offset: i64, low: i64, high: i64) -> Option<String> {
    if offset < low {
        return Some(format!(
            "`{topic}`/{partition} begins at offset {low}, but is read up to {offset} only: {} records were deleted before \
             they were read. Raise the topic's retention; to accept the loss, start anew: `postdict topics reset`",
            low - offset
        ));
    }
    (offset > high).then(|| {
        format!(
            "`{topic}`/{partition} ends at offset {high}, but was read up to {offset}: the topic was deleted and created \
             again, or lost records. To read it as a new one, start anew: `postdict topics reset`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU128;

    fn input(committed: Option<i64>, low: i64, high: i64) -> InputLog {
        InputLog { topic: "labels".to_owned(), id: Some(id(1)), committed, low, high, start: low }
    }

    fn id(number: u128) -> TopicId {
        TopicId(NonZeroU128::new(number).expect("not zero"))
    }

    fn checked(logged: Option<i64>, input: InputLog) -> Result<Vec<i64>, String> {
        let logged = logged.map(|position| Logged { positions: vec![position], topics: vec![Some(id(1))] });
        check(Place { name: "`changelog`/3", begin: 0 }, 3, logged, &[input])
    }

    #[test]
    fn the_changelog_decides_and_missing_offsets_are_no_matter() {
        assert_eq!(checked(Some(7), input(Some(7), 0, 9)), Ok(vec![7]));
        assert_eq!(checked(Some(7), input(None, 0, 9)), Ok(vec![7]));
        assert_eq!(checked(None, input(None, 4, 9)), Ok(vec![4]), "a first start begins where the log begins");
        let later = InputLog { start: 6, ..input(None, 4, 9) };
        assert_eq!(checked(None, later.clone()), Ok(vec![6]), "or where it is to");
        assert_eq!(checked(Some(7), later), Ok(vec![7]), "which is of no matter to a later one");
    }

    #[test]
    fn contradictions_stop_with_what_to_do() {
        for (logged, input, said) in [
            (Some(7), input(Some(5), 0, 9), "--to-offset 7"),
            (None, input(Some(5), 0, 9), "postdict topics reset"),
            (Some(7), input(None, 8, 9), "1 records were deleted"),
            (Some(7), input(None, 0, 6), "created again"),
        ] {
            let error = checked(logged, input).expect_err("a contradiction");
            assert!(error.contains(said) && error.contains("`labels`/3"), "{error}");
        }
    }

    #[test]
    fn an_empty_changelog_that_was_not_always_empty_is_no_first_start() {
        let place = Place { name: "`changelog`/3", begin: 5 };
        let error = check(place, 3, None, &[input(None, 0, 9)]).expect_err("its records are gone");
        assert!(error.contains("`changelog`/3 is empty") && error.contains("retention.ms=-1"), "{error}");
        let logged = Logged { positions: vec![7], topics: vec![Some(id(1))] };
        assert_eq!(check(place, 3, Some(logged), &[input(None, 0, 9)]), Ok(vec![7]), "a snapshot is there");
    }

    #[test]
    fn another_topic_of_the_same_name_is_told_by_its_id() {
        let anew = InputLog { id: Some(id(2)), ..input(Some(7), 0, 9) };
        let error = checked(Some(7), anew).expect_err("another topic");
        assert!(error.contains("`labels`") && error.contains("created again"), "{error}");
        assert_eq!(
            checked(Some(7), InputLog { id: None, ..input(Some(7), 0, 9) }),
            Ok(vec![7]),
            "brokers that do not say"
        );
    }

    #[test]
    fn a_task_may_read_again_what_is_still_there() {
        let inputs = [input(Some(7), 4, 9)];
        assert_eq!(check_read_from(3, &[4], &[7], &inputs), Ok(()));
        for wrong in [&[3][..], &[8], &[4, 4]] {
            assert!(check_read_from(3, wrong, &[7], &inputs).is_err(), "{wrong:?}");
        }
    }
}
