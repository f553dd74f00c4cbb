//! How often drift is called where nothing changed, and how often where something did: our decisions beside the rules
//! that other tools have by default, on the same windows.
//!
//! `cargo bench --no-default-features --bench drift_decisions` prints tables. It fails where our share of windows with a
//! false alarm is above α by more than chance explains. All draws are from a fixed seed.
//!
//! Columns are of seven distributions in turn. Each window is compared with a reference from the same distributions: one
//! of a pool where the window is small beside it, else one of its own.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout, reason = "a benchmark")]

mod simulation;

use postdict::drift::Method;
use simulation::law::{Change, Law, laws};
use simulation::random::Random;
use simulation::reference::{Reference, pool};
use simulation::tally::{Called, Share, drifted};
use simulation::verdict::{ALPHA, Verdict};
use simulation::window::{COUNTED_ROWS, Window};
use std::process::ExitCode;
use std::time::Instant;

/// Columns of windows.
const COLUMNS: [usize; 4] = [1, 10, 100, 500];

/// References of so many rows, with how many there are of each law in the pool, and windows of so many rows.
struct Setting {
    reference_rows: i64,
    replicates: usize,
    /// Rows of a window, and how many windows of 500 columns there are.
    windows: &'static [(i64, usize)],
}

const SETTINGS: [Setting; 3] = [
    Setting { reference_rows: 1_000, replicates: 400, windows: &[(50, 40), (100, 40), (500, 40)] },
    Setting {
        reference_rows: 10_000,
        replicates: 60,
        windows: &[(50, 200), (100, 200), (500, 200), (1_000, 200), (10_000, 150), (100_000, 150), (1_000_000, 150)],
    },
    Setting {
        reference_rows: 100_000,
        replicates: 8,
        windows: &[(50, 200), (100, 200), (500, 200), (1_000, 200), (10_000, 150), (100_000, 150), (1_000_000, 150)],
    },
];

/// Windows of one size that were drawn and judged.
struct Cell {
    reference_rows: i64,
    rows: i64,
    /// By number of columns.
    called: [Called; 4],
    /// Of single columns without a threshold, by law: by bins, by Kolmogorov and Smirnov.
    by_law: [[Share; 2]; 7],
}

fn main() -> ExitCode {
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let started = Instant::now();
    let laws = laws();
    let mut random = Random::new(20_261_126);
    let mut cells = Vec::new();
    for setting in SETTINGS {
        let replicates = if is_measuring { setting.replicates } else { 1 };
        let pool = pool(&laws, setting.reference_rows as usize, replicates, &mut random);
        for &(rows, windows) in setting.windows {
            let windows = if is_measuring { windows } else { 1 };
            cells.push(cell(&laws, &pool, setting.reference_rows, rows, windows, &mut random));
        }
    }
    false_alarms(&cells);
    let above = methods(&cells);
    by_column(&cells);
    by_law(&laws, &cells);
    power(&laws, is_measuring, &mut random);
    println!("\n{:.0} s", started.elapsed().as_secs_f64());
    verdict(above, is_measuring)
}

fn cell(
    laws: &[Law; 7],
    pool: &[Vec<Reference>],
    reference_rows: i64,
    rows: i64,
    windows: usize,
    random: &mut Random,
) -> Cell {
    let mut cell = Cell { reference_rows, rows, called: Default::default(), by_law: Default::default() };
    let most = COLUMNS[COLUMNS.len() - 1];
    for window in 0..windows {
        // The laws start anew where they stopped, so that single columns are of each in equal parts.
        let turn = |column: usize| (window * most + column) % laws.len();
        let columns: Vec<Verdict> = (0..most)
            .map(|column| judge(&laws[turn(column)], &pool[turn(column)], reference_rows, rows, random))
            .collect();
        for (called, columns_of) in cell.called.iter_mut().zip(COLUMNS) {
            columns.chunks(columns_of).for_each(|columns| called.add(columns));
        }
        for (place, column) in columns.iter().enumerate() {
            let shares = &mut cell.by_law[turn(place)];
            for (share, method) in shares.iter_mut().zip([Method::JensenShannon, Method::KolmogorovSmirnov]) {
                let evidence = column.ours.iter().find(|evidence| evidence.method == method);
                share.add(evidence.is_some_and(|evidence| drifted(&[*evidence], false) > 0));
            }
        }
    }
    cell
}

/// One column of a window of its own law.
fn judge(law: &Law, pool: &[Reference], reference_rows: i64, rows: i64, random: &mut Random) -> Verdict {
    let own = (rows >= COUNTED_ROWS).then(|| Reference::drawn(law, reference_rows, random));
    let reference = own.as_ref().unwrap_or(&pool[random.below(pool.len())]);
    let window = Window::draw(law, reference, rows, random);
    Verdict::of(reference, &window, true)
}

fn percent(share: Share) -> String {
    format!("{:.2}", 100.0 * share.value())
}

fn with_interval(share: Share) -> String {
    let (low, high) = share.interval();
    let mark = if low > ALPHA { " **above α**" } else { "" };
    format!("{:.2} ({:.2}–{:.2}){mark}", 100.0 * share.value(), 100.0 * low, 100.0 * high)
}

fn heading(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", " --- |".repeat(columns.len()));
}

fn false_alarms(cells: &[Cell]) {
    println!("\nNothing changed: % of windows with a false alarm (95 % interval); α is 1 %\n");
    heading(&[
        "reference rows",
        "window rows",
        "columns",
        "windows",
        "default",
        "default, threshold 0",
        "PSI > 0.2",
        "NannyML",
        "Evidently: a column",
        "Evidently: data set",
    ]);
    for cell in cells {
        for (called, columns) in cell.called.iter().zip(COLUMNS) {
            let of = |has_threshold| with_interval(called.of(Method::JensenShannon, false, has_threshold));
            let peers = [called.psi, called.nannyml, called.evidently, called.evidently_set].map(percent).join(" | ");
            println!(
                "| {} | {} | {columns} | {} | {} | {} | {peers} |",
                cell.reference_rows,
                cell.rows,
                called.psi.all,
                of(true),
                of(false)
            );
        }
    }
}

/// Cells whose 95 % interval lies above α, and those that chance does not explain even as the worst of all cells.
#[derive(Default)]
struct Above {
    cells: usize,
    beyond_95: Vec<String>,
    beyond_all: Vec<String>,
}

fn methods(cells: &[Cell]) -> Above {
    println!(
        "\nNothing changed: % of windows with a false alarm by method, threshold 0; in brackets with the method's own\n"
    );
    let names = Method::ALL.map(Method::name);
    heading(&[&["reference rows", "window rows", "columns"], &names[..]].concat());
    let mut above = Above { cells: cells.len() * COLUMNS.len() * Method::ALL.len() * 2, ..Above::default() };
    for cell in cells {
        for (called, columns) in cell.called.iter().zip(COLUMNS) {
            let mut shares = Vec::new();
            for method in Method::ALL {
                let [own, none] = [true, false].map(|has_threshold| called.of(method, false, has_threshold));
                shares.push(format!("{} ({})", percent(none), percent(own)));
                for (share, threshold) in [(own, "its own threshold"), (none, "threshold 0")] {
                    let line = format!(
                        "{}, {threshold}, reference {}, window {}, {columns} columns: {} %",
                        method.name(),
                        cell.reference_rows,
                        cell.rows,
                        with_interval(share)
                    );
                    if share.interval().0 > ALPHA {
                        above.beyond_95.push(line.clone());
                    }
                    if share.p_value() < 0.025 / above.cells as f64 {
                        above.beyond_all.push(line);
                    }
                }
            }
            println!("| {} | {} | {columns} | {} |", cell.reference_rows, cell.rows, shares.join(" | "));
        }
    }
    above
}

fn by_column(cells: &[Cell]) {
    println!(
        "\nNothing changed: % of columns called by the default method, threshold 0, by number of columns; ± is half the interval\n"
    );
    let names = COLUMNS.map(|columns| format!("{columns} columns"));
    heading(&[&["reference rows", "window rows"], &names.each_ref().map(String::as_str)[..]].concat());
    for cell in cells {
        let shares = cell.called.each_ref().map(|called| {
            let share = called.of(Method::JensenShannon, true, false);
            let (low, high) = share.interval();
            format!("{:.4} ± {:.4}", 100.0 * share.value(), 50.0 * (high - low))
        });
        println!("| {} | {} | {} |", cell.reference_rows, cell.rows, shares.join(" | "));
    }
}

fn by_law(laws: &[Law; 7], cells: &[Cell]) {
    println!("\nNothing changed: % of single columns called, threshold 0: by bins / by Kolmogorov and Smirnov\n");
    let names = laws.each_ref().map(|law| law.name);
    heading(&[&["reference rows", "window rows"], &names[..]].concat());
    for cell in cells {
        let shares = cell.by_law.map(|[bins, order]| {
            let mark = if [bins, order].iter().any(|share| share.interval().0 > ALPHA) { " !" } else { "" };
            format!("{} / {}{mark}", percent(bins), percent(order))
        });
        println!("| {} | {} | {} |", cell.reference_rows, cell.rows, shares.join(" | "));
    }
}

/// What is shown of what: law, change, and its name.
const CHANGES: [(usize, Change, &str); 11] = [
    (0, Change::Mean(0.1), "normal: mean + 0.1 σ"),
    (0, Change::Mean(0.2), "normal: mean + 0.2 σ"),
    (0, Change::Mean(0.5), "normal: mean + 0.5 σ"),
    (0, Change::Scale(1.2), "normal: σ × 1.2"),
    (0, Change::Scale(1.5), "normal: σ × 1.5"),
    (2, Change::Mean(0.2), "log-normal: mean + 0.2 σ"),
    (6, Change::Missing(0.05), "10 % missing: 15 %"),
    (1, Change::Halved, "5 values: the first from 40 to 20 %"),
    (1, Change::New(0.05), "5 values: a sixth with 5 %"),
    (5, Change::Halved, "Zipf: the first from 13 to 7 %"),
    (5, Change::New(0.05), "Zipf: one more with 5 %"),
];

fn power(laws: &[Law; 7], is_measuring: bool, random: &mut Random) {
    const REFERENCE_ROWS: i64 = 10_000;
    let rows_of = [50, 100, 500, 1_000, 10_000, 100_000, 1_000_000];
    let windows = if is_measuring { 400 } else { 1 };
    let pool = pool(laws, REFERENCE_ROWS as usize, if is_measuring { 20 } else { 1 }, random);
    println!(
        "\nSomething changed: % of {windows} windows of one column that are called; reference of {REFERENCE_ROWS} rows\n"
    );
    let names = rows_of.map(|rows| format!("{rows} rows"));
    heading(&[&["change", "rule"], &names.each_ref().map(String::as_str)[..]].concat());
    for (law, change, name) in CHANGES {
        let changed = laws[law].changed(change);
        let mut shares = [[Share::default(); 7]; 6];
        for (place, rows) in rows_of.into_iter().enumerate() {
            for _ in 0..windows {
                let own = (rows >= COUNTED_ROWS).then(|| Reference::drawn(&laws[law], REFERENCE_ROWS, random));
                let reference = own.as_ref().unwrap_or(&pool[law][random.below(pool[law].len())]);
                let verdict = Verdict::of(reference, &Window::draw(&changed, reference, rows, random), false);
                for (rule, is_called) in rules(&verdict).into_iter().enumerate() {
                    shares[rule][place].add(is_called);
                }
            }
        }
        for (rule, shares) in RULES.iter().zip(shares) {
            let shares = shares.map(|share| format!("{:.0}", 100.0 * share.value()));
            println!("| {name} | {rule} | {} |", shares.join(" | "));
        }
    }
}

const RULES: [&str; 6] =
    ["default", "default, one of 100 columns", "default, threshold 0", "PSI > 0.2", "NannyML", "Evidently"];

fn rules(verdict: &Verdict) -> [bool; 6] {
    let evidence = verdict.ours[1];
    assert_eq!(evidence.method, Method::JensenShannon, "the default method");
    let mut of_many = vec![evidence];
    of_many.resize(100, postdict::drift::decision::Evidence { p_value: 1.0, ..evidence });
    let many = drifted(&of_many, true) > 0;
    let (own, none) = (drifted(&[evidence], true) > 0, drifted(&[evidence], false) > 0);
    [own, many, none, verdict.psi, verdict.nannyml, verdict.evidently]
}

fn verdict(above: Above, is_measuring: bool) -> ExitCode {
    let Above { cells, beyond_95, beyond_all } = above;
    println!(
        "\nOf {cells} shares by method, {} have a 95 % interval above α (chance alone: up to {:.0}):",
        beyond_95.len(),
        0.025 * cells as f64
    );
    beyond_95.iter().for_each(|line| println!("* {line}"));
    println!("\n{} are above α by more than chance explains in the worst of so many:", beyond_all.len());
    beyond_all.iter().for_each(|line| println!("* {line}"));
    if is_measuring && !beyond_all.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
