//! Container files: every codec, and what a damaged one still gives.

use super::*;
use apache_avro::types::Value;
use apache_avro::{Codec, DeflateSettings, Schema, Writer};
use proptest::prelude::*;

const SCHEMA: &str = r#"{"type":"record","name":"L","fields":[
    {"name":"request_id","type":"string"},{"name":"timestamp","type":"long"},{"name":"label","type":"int"}]}"#;

/// Three blocks of 100 records each.
fn file(codec: Codec) -> Vec<u8> {
    let schema = Schema::parse_str(SCHEMA).unwrap();
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec).unwrap();
    for i in 0..300_i32 {
        let record = vec![
            ("request_id".to_owned(), Value::String(format!("request {i}"))),
            ("timestamp".to_owned(), Value::Long(i64::from(i))),
            ("label".to_owned(), Value::Int(i % 2)),
        ];
        writer.append_value(Value::Record(record)).unwrap();
        if i % 100 == 99 {
            writer.flush().unwrap();
        }
    }
    writer.into_inner().unwrap()
}

/// Ids of all rows, and the error that ended the file.
fn read(bytes: &[u8]) -> (Vec<(i64, String)>, Option<ContainerError>) {
    let mut reader = ContainerReader::open(bytes).unwrap();
    let format = Format::AvroPlain { schema: reader.schema().to_owned() };
    let mut decoder = LabelDecoder::try_new(&format, &label_fields()).unwrap();
    let mut rows = Vec::new();
    loop {
        match reader.next_block() {
            Ok(None) => return (rows, None),
            Ok(Some(block)) => {
                let decoded = decoder.decode_block(&origin(Role::Labels), &block);
                let batch = decoded.decoded.batch;
                let ids = batch.request_id.iter().flatten().map(str::to_owned);
                rows.extend(batch.offset.values().iter().copied().zip(ids));
                if decoded.corrupt.is_some() {
                    return (rows, decoded.corrupt);
                }
            }
            Err(error) => return (rows, Some(error)),
        }
    }
}

fn expected(count: i64) -> Vec<(i64, String)> {
    (0..count).map(|i| (i, format!("request {i}"))).collect()
}

#[test]
fn plain_and_deflated_blocks_are_read() {
    for codec in [Codec::Null, Codec::Deflate(DeflateSettings::default())] {
        let (rows, error) = read(&file(codec));
        assert!(error.is_none(), "{error:?}");
        assert_eq!(rows, expected(300));
    }
}

#[test]
fn snappy_and_zstandard_blocks_are_read() {
    // The same blocks, compressed here: header with another codec, then each block anew.
    let plain = file(Codec::Null);
    let mut reader = ContainerReader::open(&plain[..]).unwrap();
    let sync = &plain[plain.len() - 16..];
    let snappy = |bytes: &[u8]| {
        let mut block = snap::raw::Encoder::new().compress_vec(bytes).unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        block.extend(crc.sum().to_be_bytes());
        block
    };
    let zstandard = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        blocks.push(block);
    }
    for name in ["snappy", "zstandard"] {
        let mut bytes = b"Obj\x01".to_vec();
        long(&mut bytes, 2);
        for text in ["avro.schema", SCHEMA, "avro.codec", name] {
            long(&mut bytes, text.len() as i64);
            bytes.extend(text.as_bytes());
        }
        long(&mut bytes, 0);
        bytes.extend(sync);
        for block in &blocks {
            let compressed = if name == "snappy" { snappy(&block.bytes) } else { zstandard(&block.bytes) };
            long(&mut bytes, block.record_count as i64);
            long(&mut bytes, compressed.len() as i64);
            bytes.extend(compressed);
            bytes.extend(sync);
        }
        let (rows, error) = read(&bytes);
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(rows, expected(300), "{name}");
    }
}

fn long(bytes: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        bytes.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    bytes.push(zigzag as u8);
}

#[test]
fn a_file_that_is_cut_anywhere_gives_its_whole_blocks_and_then_an_error() {
    let whole = file(Codec::Null);
    let mut reader = ContainerReader::open(&whole[..]).unwrap();
    let mut starts = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        starts.push(block.position as usize);
    }
    for end in (starts[0] + 1..whole.len()).step_by(37) {
        let complete = starts[1..].iter().filter(|start| **start <= end).count();
        let (rows, error) = read(&whole[..end]);
        assert_eq!(rows, expected(100 * complete as i64));
        match error {
            None => assert!(starts.contains(&end)),
            Some(ContainerError::Corrupt { position, .. }) => assert_eq!(position as usize, starts[complete]),
            Some(other) => panic!("{other}"),
        }
    }
}

#[test]
fn records_before_a_damaged_one_are_delivered() {
    let mut bytes = file(Codec::Null);
    let mut reader = ContainerReader::open(&bytes[..]).unwrap();
    reader.next_block().unwrap();
    let second = reader.next_block().unwrap().unwrap();
    // A length that reaches beyond the block, in record 150.
    let id = b"request 150";
    let at = bytes.windows(id.len()).position(|window| window == id).unwrap();
    bytes[at - 1] = 0x7F;
    let (rows, error) = read(&bytes);
    assert!(rows.starts_with(&expected(150)) && rows.len() < 200);
    assert!(matches!(error, Some(ContainerError::Corrupt { position, .. }) if position == second.position));
}

#[test]
fn what_is_no_container_file_is_said_so() {
    for bytes in [&b""[..], b"{}", b"Obj\x01", b"Obj\x01\x00", b"PAR1PAR1"] {
        assert!(matches!(ContainerReader::open(bytes), Err(ContainerError::Header(_))));
    }
}

proptest! {
    #[test]
    fn a_damaged_byte_harms_no_block_before_it(at in any::<prop::sample::Index>(), mask in 1..=255_u8) {
        let mut bytes = file(Codec::Deflate(DeflateSettings::default()));
        let mut reader = ContainerReader::open(&bytes[..]).unwrap();
        let mut starts = Vec::new();
        while let Some(block) = reader.next_block().unwrap() {
            starts.push(block.position as usize);
        }
        let at = starts[0] + at.index(bytes.len() - starts[0]);
        bytes[at] ^= mask;
        let whole = starts[1..].iter().filter(|start| **start <= at).count();
        prop_assert!(read(&bytes).0.starts_with(&expected(100 * whole as i64)));
    }
}
