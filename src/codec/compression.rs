//! Files that are compressed as a whole: gzip and Zstandard, told by their first bytes.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};

const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Decompressed bytes are buffered by this much.
const BUFFER_BYTES: usize = 256 << 10;

/// The content of `reader`, decompressed if it is gzip (any number of members) or Zstandard (any number of frames).
///
/// What it is, its first bytes say; `name` only has to agree. Reading from a truncated or corrupt stream is an error,
/// after everything that could be decompressed. Errors if the name says `.gz` or `.zst` and the bytes do not.
pub fn decompressed<'r, R: BufRead + Send + 'r>(mut reader: R, name: &str) -> io::Result<Box<dyn BufRead + Send + 'r>> {
    let mut head = Vec::with_capacity(ZSTD.len());
    (&mut reader).take(ZSTD.len() as u64).read_to_end(&mut head)?;
    let (gzip, zstd) = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
    let claims = |extension: &str| name.to_ascii_lowercase().ends_with(extension);
    if !head.is_empty() && ((claims(".gz") && !gzip) || (claims(".zst") && !zstd)) {
        let problem = "its name says that it is compressed, its content is not";
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let whole = Cursor::new(head).chain(reader);
    Ok(if gzip {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole)))
    } else if zstd {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::Decoder::with_buffer(whole)?))
    } else {
        Box::new(whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory takes it")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 1).expect("memory takes it")
    }

    fn read(bytes: &[u8], name: &str) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut text = Vec::new();
        let read = decompressed(bytes, name).and_then(|mut reader| reader.read_to_end(&mut text));
        (text, read.err().map(|error| error.kind()))
    }

    #[test]
    fn the_content_decides_and_members_follow_one_another() {
        for bytes in [
            b"one\ntwo\n".to_vec(),
            [gzip(b"one\n"), gzip(b"two\n")].concat(),
            [zstd(b"one\n"), zstd(b"two\n")].concat(),
        ] {
            assert_eq!(read(&bytes, "file.ndjson"), (b"one\ntwo\n".to_vec(), None));
        }
        assert_eq!(read(b"", "empty.gz"), (Vec::new(), None));
        assert_eq!(read(b"{}", "short.ndjson"), (b"{}".to_vec(), None));
        assert_eq!(read(b"{}\n{}\n", "plain.gz").1, Some(io::ErrorKind::InvalidData));
        assert_eq!(read(&gzip(b"x"), "a.zst").1, Some(io::ErrorKind::InvalidData));
    }

    #[test]
    fn a_truncated_stream_gives_what_it_holds_and_then_an_error() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for mut bytes in [gzip(&text), zstd(&text)] {
            bytes.truncate(bytes.len() / 2);
            let (read, error) = read(&bytes, "file");
            assert!(error.is_some());
            assert!(read.len() > text.len() / 8 && text.starts_with(&read));
        }
    }
}
