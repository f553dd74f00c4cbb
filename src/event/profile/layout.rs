//! Where the file form of a profile has its line ends: each member and each feature on a line of its own, but a list of
//! numbers or values on one line, because hundreds of edges are read as one thing.

use serde_json::ser::Formatter;
use std::io::{self, Write};

/// Opens and closes with two spaces per level.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Objects and lists that are open.
    depth: usize,
    /// True if the innermost of them, once closed, had something in it.
    has_value: bool,
}

/// The list of features is inside the profile, and nothing else at this depth is a list of objects.
const FEATURES_DEPTH: usize = 2;

impl Layout {
    fn line<W: Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Layout {
    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(b"{")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b"," })?;
        self.line(writer)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(b"[")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.depth == FEATURES_DEPTH {
            writer.write_all(if first { b"" } else { b"," })?;
            return self.line(writer);
        }
        writer.write_all(if first { b"" } else { b", " })
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth + 1 == FEATURES_DEPTH && self.has_value {
            self.line(writer)?;
        }
        writer.write_all(b"]")
    }
}
