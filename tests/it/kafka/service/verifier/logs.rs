//! Changelogs: unbroken chains, at whose ends the group's offsets are.

use super::super::Service;
use crate::kafka::client;
use postdict::stage::block::{Block, Chain};

/// Follows the chains of a stage. By partition, the positions at its end; `None` where nothing was ever committed.
pub fn positions(service: &Service, stage: &str, inputs: &[&str]) -> Vec<Option<Vec<i64>>> {
    let role = format!("{stage}-changelog");
    let begins = client::begins(&service.bootstrap, &service.topic(&role));
    let mut chains: Vec<Chain> = (0..begins.len()).map(|p| Chain::new(stage, p as i32, inputs.len())).collect();
    for record in service.read(&role) {
        let partition = record.partition as usize;
        let place = || format!("{}: {role}/{partition}, offset {}", service.name, record.offset);
        let block = Block::decode(record.value.as_deref().unwrap()).unwrap_or_else(|e| panic!("{}: {e}", place()));
        if chains[partition].is_new() {
            let begins_well = (block.commit, block.piece) == (1, 0) || block.is_base && block.piece == 0;
            assert!(begins_well, "{}: the log begins in the middle", place());
            // What is deleted was replaced by a snapshot.
            assert!(begins[partition] == 0 || block.is_base, "{}: the log begins without a snapshot", place());
        }
        chains[partition].follow(&block).unwrap_or_else(|error| panic!("{}: {error}", place()));
    }
    let end = |(partition, chain): (usize, Chain)| {
        let (_, positions) = chain.finish().unwrap_or_else(|e| panic!("{}: {role}/{partition}: {e}", service.name));
        for (place, input) in inputs.iter().enumerate() {
            let topic = service.topic(input);
            let group = service.group(stage);
            let committed = client::group_offset(&service.bootstrap, &group, &topic, partition as i32);
            let logged = positions.as_ref().map(|positions| positions[place]);
            assert_eq!(committed, logged, "{}: offset of {group} in {input}/{partition}, and the log", service.name);
        }
        positions
    };
    chains.into_iter().enumerate().map(end).collect()
}

/// What ASSESS has not read is there, and nothing that it has read is missing behind it.
pub fn partials_are_there(service: &Service, positions: &[Option<Vec<i64>>]) {
    let topic = service.topic("partials");
    let (begins, ends) = (client::begins(&service.bootstrap, &topic), client::ends(&service.bootstrap, &topic));
    for (partition, position) in positions.iter().enumerate() {
        let (begin, (end, _)) = (begins[partition], ends[partition]);
        let position = position.as_ref().map_or(begin, |position| position[0]);
        let place = format!("{}: partials/{partition} from {begin} to {end}, read up to {position}", service.name);
        assert!(begin <= position && position <= end, "{place}");
    }
}
