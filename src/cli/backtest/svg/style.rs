//! Colours of the picture, light or dark as its reader wants it. Written out, since not every viewer knows variables.

/// Colours by what they are for.
struct Palette {
    ink: &'static str,
    quiet: &'static str,
    grid: &'static str,
    paper: &'static str,
    band: &'static str,
    edge: &'static str,
    good: &'static str,
    bad: &'static str,
    plain: &'static str,
    other: &'static str,
}

const LIGHT: Palette = Palette {
    ink: "#1f2328",
    quiet: "#59636e",
    grid: "#d1d9e0",
    paper: "#ffffff",
    band: "#fff1c2",
    edge: "#d4a72c",
    good: "#1a7f37",
    bad: "#cf222e",
    plain: "#0969da",
    other: "#9a6700",
};

const DARK: Palette = Palette {
    ink: "#e6edf3",
    quiet: "#9198a1",
    grid: "#3d444d",
    paper: "#0d1117",
    band: "#3a2f0b",
    edge: "#9e7a1f",
    good: "#3fb950",
    bad: "#f85149",
    plain: "#4493f8",
    other: "#d29922",
};

impl Palette {
    fn rules(&self) -> String {
        let Palette { ink, quiet, grid, paper, band, edge, good, bad, plain, other } = self;
        format!(
            ".pd .paper {{ fill: {paper}; }} .pd text {{ fill: {ink}; }} .pd .quiet {{ fill: {quiet}; }}\n\
             .pd .grid {{ stroke: {grid}; }} .pd .band {{ fill: {band}; }} .pd .edge {{ stroke: {edge}; }}\n\
             .pd .good, .pd .bad, .pd .plain {{ stroke: {paper}; stroke-width: 0.75; }}\n\
             .pd .good {{ fill: {good}; }} .pd .bad {{ fill: {bad}; }} .pd .plain {{ fill: {plain}; }}\n\
             .pd .precision {{ stroke: {good}; }} .pd .precision-dot {{ fill: {good}; }}\n\
             .pd .recall {{ stroke: {other}; }} .pd .recall-dot {{ fill: {other}; }}\n"
        )
    }
}

const SHAPES: &str = ".pd { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
.pd .title { font-weight: 600; font-size: 14px; } .pd .now { font-weight: 700; } .pd .early { opacity: 0.35; }
.pd .precision, .pd .recall { fill: none; stroke-width: 2; } .pd .recall { stroke-dasharray: 6 3; }
";

/// The style sheet.
pub fn sheet() -> String {
    format!("\n{SHAPES}{}@media (prefers-color-scheme: dark) {{\n{}}}\n", LIGHT.rules(), DARK.rules())
}
