//! Templates of operators: another line for an alert, and links to where it can be looked at.
//!
//! The language is Jinja's. Nothing is escaped, for what comes out is plain text; in links, `urlencode` is for that. A template
//! has no loops without end and no texts without end: it stops after so many steps, and what it writes is cut. It knows nothing
//! but what is in [`VARIABLES`], [`FILTERS`] and [`TESTS`].

mod check;
#[cfg(test)]
mod tests;
mod values;

pub use check::check;
pub use values::VARIABLES;

use super::summary::{self, Context, number};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, filters, tests as predicates};
use std::fmt::{self, Write};
use std::io;

/// Longest text that comes out, in characters.
const MOST: usize = 1_024;
/// A character has at most so many bytes.
const MOST_BYTES: usize = 4 * (MOST + 1);
/// Steps of the engine; a line of a few dozen expressions takes a few hundred.
const FUEL: u64 = 20_000;
/// The engine wants a name. It is in no message.
const NAME: &str = "template";

/// What a template can put behind `|`.
pub const FILTERS: [&str; 21] = [
    "abs",
    "capitalize",
    "default",
    "duration",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "number",
    "percent",
    "replace",
    "round",
    "string",
    "title",
    "trim",
    "upper",
    "urlencode",
];

/// What a template can put behind `is`.
pub const TESTS: [&str; 7] = ["defined", "none", "number", "sequence", "startingwith", "string", "undefined"];

/// A template, ready to be rendered any number of times.
pub struct Template {
    environment: Environment<'static>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").finish_non_exhaustive()
    }
}

impl Template {
    /// Reads `text`; an error says in which line.
    pub fn new(text: &str) -> Result<Template, String> {
        let mut environment = environment();
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| message(&error))?;
        Ok(Template { environment })
    }

    /// One line of at most 1,024 characters. Where the template fails, the built-in line and why: that a value is not there is
    /// no reason not to tell of an alert.
    pub fn render(&self, context: &Context) -> String {
        match self.try_render(context) {
            Ok(text) => text,
            Err(error) => summary::cut(&format!("{} [its template fails: {error}]", summary::summary(context)), MOST),
        }
    }

    /// The same, or why it fails: of a link that cannot be made, nothing is better than something.
    pub fn try_render(&self, context: &Context) -> Result<String, String> {
        self.rendered(Value::from(values::values(context))).map_err(|error| message(&error))
    }

    fn rendered(&self, values: Value) -> Result<String, Error> {
        let template = self.environment.get_template(NAME)?;
        let mut out = Bounded::default();
        match template.render_captured_to(values, &mut out) {
            Ok(_) => {}
            Err(_) if out.is_full => {}
            Err(error) => return Err(error),
        }
        let text = String::from_utf8_lossy(&out.bytes);
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(summary::cut(&words.join(" "), MOST))
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(20);
    environment.add_filter("abs", filters::abs);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("default", filters::default);
    environment.add_filter("duration", |ms: i64| number::duration(ms));
    environment.add_filter("first", filters::first);
    environment.add_filter("float", filters::float);
    environment.add_filter("int", filters::int);
    environment.add_filter("join", filters::join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("list", filters::list);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("number", |value: f64, digits: Option<usize>| {
        number::number(value.clamp(f64::MIN, f64::MAX), digits.unwrap_or(2).clamp(1, 17))
    });
    environment.add_filter("percent", |value: f64| number::share(value));
    environment.add_filter("replace", filters::replace);
    environment.add_filter("round", filters::round);
    environment.add_filter("string", filters::string);
    environment.add_filter("title", filters::title);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("urlencode", |text: &Value| urlencoded(&text.to_string()));
    environment.add_test("defined", predicates::is_defined);
    environment.add_test("none", predicates::is_none);
    environment.add_test("number", predicates::is_number);
    environment.add_test("sequence", predicates::is_sequence);
    environment.add_test("startingwith", predicates::is_startingwith);
    environment.add_test("string", predicates::is_string);
    environment.add_test("undefined", predicates::is_undefined);
    environment
}

/// All but letters, digits, `-`, `.`, `_` and `~` in percent.
fn urlencoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// What the engine says, with the line.
fn message(error: &Error) -> String {
    let mut text = error.kind().to_string();
    if let Some(detail) = error.detail() {
        text = format!("{text}: {detail}");
    }
    match error.line() {
        Some(line) if error.kind() != ErrorKind::WriteFailure => format!("line {line}: {text}"),
        _ => text,
    }
}

/// Takes bytes up to a limit.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let free = MOST_BYTES - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(free)]);
        self.is_full = bytes.len() > free;
        if self.is_full { Err(io::Error::other("it is too long")) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
