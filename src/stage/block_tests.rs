//! Tests of the changelog's blocks: what is written is read, what is damaged is refused, and chains break aloud.

use super::*;
use proptest::prelude::*;

fn block(commit: u64, piece: u32, pieces: u32, previous: [i64; 2], next: [i64; 2]) -> Block {
    Block {
        is_base: false,
        stage: "join".to_owned(),
        partition: 3,
        commit,
        piece,
        pieces,
        topics: vec![Some(TopicId(NonZeroU128::MAX)), None],
        previous: previous.to_vec(),
        next: next.to_vec(),
        payload: vec![7; 5],
    }
}

/// The bytes with a right checksum again.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 4);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        stage in "[a-zä]{0,20}",
        partition in 0..i32::MAX,
        (commit, is_base) in (1..u64::MAX, any::<bool>()),
        (piece, pieces) in (0..1000_u32).prop_flat_map(|piece| (Just(piece), piece + 1..2000)),
        positions in prop::collection::vec((0..1_i64 << 40, 0..1_i64 << 40), 0..5),
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let previous = positions.iter().map(|(previous, _)| *previous).collect();
        let next = positions.iter().map(|(previous, step)| previous + step).collect();
        let topics = positions.iter().map(|(previous, _)| NonZeroU128::new(*previous as u128).map(TopicId)).collect();
        let block = Block { stage, partition, commit, is_base, piece, pieces, topics, previous, next, payload };
        prop_assert_eq!(Block::decode(&block.encode()), Ok(block));
    }

    #[test]
    fn a_changed_byte_is_seen(at: prop::sample::Index, change in 1..=255_u8) {
        let mut bytes = block(1, 0, 1, [0, 0], [5, 6]).encode();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(matches!(Block::decode(&bytes), Err(BlockError::Corrupt(_))));
    }

    #[test]
    fn a_cut_is_seen(length: prop::sample::Index) {
        let bytes = block(1, 0, 1, [0, 0], [5, 6]).encode();
        prop_assert!(matches!(Block::decode(&bytes[..length.index(bytes.len())]), Err(BlockError::Corrupt(_))));
    }

    #[test]
    fn any_sealed_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..100)) {
        let bytes = sealed([&MAGIC[..], &VERSION.to_le_bytes(), &body, &[0; 4]].concat());
        if let Ok(block) = Block::decode(&bytes) {
            prop_assert_eq!(block.encode(), bytes);
        }
    }
}

#[test]
fn the_bytes_of_the_format_stay_readable() {
    let mut small = block(2, 0, 1, [10, 20], [11, 20]);
    small.payload = b"ab".to_vec();
    let hex: String = small.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = concat!(
        "5044434c",
        "0100",
        "046a6f696e",
        "03000000",
        "0200000000000000",
        "00",
        "00000000",
        "01000000",
        "02",
        "ffffffffffffffffffffffffffffffff",
        "00000000000000000000000000000000",
        "0a00000000000000",
        "1400000000000000",
        "0b00000000000000",
        "1400000000000000",
        "02000000",
        "6162",
    );
    assert_eq!(&hex[..hex.len() - 8], expected);
}

#[test]
fn a_newer_format_is_named() {
    let mut bytes = block(1, 0, 1, [0, 0], [5, 6]).encode();
    bytes[4] = 9;
    assert_eq!(Block::decode(&sealed(bytes)), Err(BlockError::Newer { found: 9 }));
}

#[test]
fn a_chain_is_followed_through_commits_of_several_pieces() {
    let mut chain = Chain::new("join", 3, 2);
    for block in [
        block(1, 0, 1, [4, 0], [5, 6]),
        block(2, 0, 2, [5, 6], [7, 6]),
        block(2, 1, 2, [5, 6], [7, 6]),
        block(3, 0, 1, [7, 6], [7, 6]),
    ] {
        assert_eq!(chain.follow(&block), Ok(()));
    }
    assert_eq!(chain.finish(), Ok((3, Some(vec![7, 6]))));
    assert_eq!(Chain::new("join", 3, 2).finish(), Ok((0, None)));
}

#[test]
fn a_broken_chain_is_seen() {
    let first = block(1, 0, 1, [4, 0], [5, 6]);
    let open = block(2, 0, 3, [5, 6], [7, 6]);
    let of = |change: fn(&mut Block)| {
        let mut block = block(2, 0, 1, [5, 6], [7, 6]);
        change(&mut block);
        block
    };
    let follows = |blocks: &[&Block]| {
        let mut chain = Chain::new("join", 3, 2);
        blocks.iter().try_for_each(|block| chain.follow(block)).and_then(|()| chain.finish()).is_ok()
    };
    assert!(follows(&[&first, &of(|_| ())]));
    assert!(!follows(&[&of(|_| ())]), "the first is missing");
    assert!(!follows(&[&first, &first]), "twice");
    assert!(!follows(&[&first, &of(|block| block.commit = 3)]), "one is left out");
    assert!(!follows(&[&first, &of(|block| block.previous = vec![4, 6])]), "other positions");
    assert!(!follows(&[&first, &of(|block| block.stage = "assess".to_owned())]), "another stage");
    assert!(!follows(&[&first, &of(|block| block.partition = 2)]), "another partition");
    assert!(!follows(&[&first, &of(|block| block.next.push(1))]), "another number of inputs");
    assert!(!follows(&[&first, &open]), "pieces are missing at the end");
    assert!(!follows(&[&first, &open, &of(|block| block.commit = 3)]), "pieces are missing in between");
    assert!(!follows(&[&first, &open, &block(2, 2, 3, [5, 6], [7, 6])]), "a piece is left out");
    assert!(!follows(&[&first, &open, &block(2, 1, 3, [5, 6], [8, 6])]), "pieces contradict each other");
}

#[test]
fn a_chain_may_begin_where_a_snapshot_does_and_nowhere_else() {
    let base = Block { is_base: true, ..block(7, 0, 2, [4, 4], [5, 6]) };
    let mut chain = Chain::new("join", 3, 2);
    assert_eq!(chain.follow(&base), Ok(()));
    assert_eq!(chain.follow(&Block { piece: 1, ..base.clone() }), Ok(()));
    assert_eq!(chain.follow(&block(8, 0, 1, [5, 6], [9, 9])), Ok(()));
    assert_eq!(chain.finish(), Ok((8, Some(vec![9, 9]))));
    let mut chain = Chain::new("join", 3, 2);
    assert!(chain.follow(&block(7, 0, 1, [4, 4], [5, 6])).is_err(), "its beginning is missing");
    let mut chain = Chain::new("join", 3, 2);
    assert!(chain.follow(&Block { piece: 1, ..base }).is_err(), "its first piece is missing");
}
