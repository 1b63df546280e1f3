//! The report: a file of Markdown a section, charts beside it, and all sections together in `report.md`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::coord::combinators::IntoLogRange as _;
use plotters::drawing::IntoDrawingArea as _;
use plotters::series::LineSeries;
use plotters::style::{BLACK, Color as _, IntoFont as _, Palette as _, Palette99, WHITE};

/// In which sequence sections stand in the report.
pub const SECTIONS: [&str; 6] = ["floors", "day", "flat", "hosted", "soak", "start"];

/// A section that is being written.
pub struct Report {
    folder: PathBuf,
    name: &'static str,
    text: String,
}

/// The points of a line: (x, y).
pub type Line = (String, Vec<(f64, f64)>);

impl Report {
    /// Begins a section, with what it was measured on.
    pub fn new(folder: &Path, name: &'static str, title: &str) -> Self {
        std::fs::create_dir_all(folder).expect("a folder for the report");
        let report = Self { folder: folder.to_owned(), name, text: format!("## {title}\n\n{}\n", machine()) };
        println!("\n{}", report.text);
        report
    }

    pub fn paragraph(&mut self, text: &str) {
        self.add(&format!("{text}\n"));
    }

    pub fn table(&mut self, columns: &[&str], rows: &[Vec<String>]) {
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(columns.to_vec()) + &line(columns.iter().map(|_| "---").collect());
        for row in rows {
            text += &line(row.iter().map(String::as_str).collect());
        }
        self.add(&text);
    }

    /// A chart with logarithmic y, in a file beside the report.
    pub fn chart(&mut self, name: &str, title: &str, x: &str, y: &str, lines: &[Line]) {
        let file = format!("{}-{name}.svg", self.name);
        draw(&self.folder.join(&file), title, x, y, lines).expect("the chart can be drawn");
        self.add(&format!("![{title}]({file})\n"));
    }

    fn add(&mut self, text: &str) {
        println!("{text}");
        let _ = writeln!(self.text, "{text}"); // a text takes everything
    }

    /// Writes the section, and the report with all the sections that there are.
    pub fn end(self) {
        let write = |name: &str, text: &str| std::fs::write(self.folder.join(name), text).expect("the report can be written");
        write(&format!("{}.md", self.name), &self.text);
        let mut whole =
            "# What was measured\n\nBy `cargo bench --bench load`; each section says where, when and with what.\n".to_owned();
        for name in SECTIONS {
            if let Ok(section) = std::fs::read_to_string(self.folder.join(format!("{name}.md"))) {
                let _ = write!(whole, "\n{}", section.trim_end_matches('\n'));
                whole.push('\n');
            }
        }
        write("report.md", &whole);
    }
}

/// What it was measured on, and when.
fn machine() -> String {
    let described = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = described
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).map_or(0, |kib| kib >> 20);
    let commit = Command::new("git").args(["describe", "--always", "--dirty"]).output().ok();
    let commit = commit.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned()).unwrap_or_default();
    format!(
        "{cores} cores ({model}), {memory} GiB of memory, {} on {}; commit {commit}, {}; release profile; application and clients in one process on \
         these cores, so that processor times are of both. \
         Keep-alive, TCP_NODELAY; SQLite in WAL mode, every commit on the disk (synchronous FULL); request_log off.",
        std::env::consts::OS,
        std::env::consts::ARCH,
        host::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
    )
}

fn draw(file: &Path, title: &str, x: &str, y: &str, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let widest = points().map(|(x, _)| *x).fold(0.0, f64::max);
    let (lowest, highest) = points().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    let area = SVGBackend::new(file, (760, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18).into_font())
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..widest * 1.02, (lowest * 0.8..highest * 1.25).log_scale())?;
    chart.configure_mesh().x_desc(x).y_desc(y).light_line_style(WHITE).draw()?;
    for (number, (name, points)) in lines.iter().enumerate() {
        let style = Palette99::pick(number).stroke_width(2);
        let legend = move |(x, y): (i32, i32)| plotters::element::PathElement::new(vec![(x, y), (x + 16, y)], style);
        chart.draw_series(LineSeries::new(points.iter().copied(), style).point_size(3))?.label(name).legend(legend);
    }
    chart.configure_series_labels().border_style(BLACK.mix(0.3)).background_style(WHITE.mix(0.8)).draw()?;
    area.present()?;
    Ok(())
}

/// Processor time of this process so far, in ticks of 10 ms.
pub fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells what a process takes");
    // the fields after the name of the program, which may hold anything
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Seconds as milliseconds.
pub fn ms(seconds: f64) -> String {
    let digits = if seconds < 0.1 { 2 } else { 0 };
    format!("{:.digits$}", seconds * 1e3)
}
