//! Detectors of concept drift: `detectors: {adwin: {delta: 0.002}, page_hinkley: {}, order: label_time}`.

use super::problem::{At, Report};
use super::raw::{Field, RawModel};
use super::section::{Item, Section, Spanned};
use crate::drift::detectors::ParameterError;
use crate::event::detectors::{
    AdwinParameters, DdmParameters, Direction, EddmParameters, HddmAParameters, HddmWParameters, PageHinkleyParameters,
};
use crate::event::{DetectorKind, DetectorParameters, Detectors, LossKind, OutcomeOrder, TaskKind};
use std::ops::RangeInclusive;

/// Detectors as written, each with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WrittenDetectors {
    loss: LossKind,
    /// Where it is written, if it is.
    loss_at: Option<At>,
    order: OutcomeOrder,
    by_segment: bool,
    methods: Vec<(DetectorParameters, At)>,
}

/// Reads `detectors`; the value is `None` for `detectors: none`, a model without those of the defaults.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Option<WrittenDetectors>>> {
    if item.is_text("none") {
        return Some(Spanned { value: None, at: item.at() });
    }
    let losses = [("error", LossKind::Error), ("log_loss", LossKind::LogLoss)];
    let orders = [("label_time", OutcomeOrder::LabelTime), ("prediction_time", OutcomeOrder::PredictionTime)];
    let mut section = Section::open(item, report)?;
    let loss = Field::read(section.take("loss"), |item| item.choice(report, &losses));
    let order = Field::read(section.take("order"), |item| item.choice(report, &orders));
    let by_segment =
        Field::read(section.take("by_segment"), |item| item.choice(report, &[("true", true), ("false", false)]));
    let mut is_broken = loss.is_broken() || order.is_broken() || by_segment.is_broken();
    let mut methods = Vec::new();
    for kind in DetectorKind::ALL {
        let Some(item) = section.take(kind.name()) else { continue };
        match read_method(kind, &item, report) {
            Some(parameters) => methods.push((parameters, item.at())),
            None => is_broken = true,
        }
    }
    let has_unknown = section.entries().any(|(key, _)| !KEYS.contains(&key.value));
    section.finish(report, &[], &[]);
    if methods.is_empty() && !is_broken && !has_unknown {
        report
            .error(&item.at(), "no detector is named")
            .expected("one or more of `adwin`, `ddm`, `eddm`, `hddm_a`, `hddm_w` and `page_hinkley`")
            .help("write `detectors: {adwin: {}}`, or `detectors: none`");
    }
    if is_broken || methods.is_empty() {
        return None;
    }
    let loss_at = loss.written().map(|loss| loss.at.clone());
    let (loss, order) = (loss.value_or(LossKind::Error), order.value_or(OutcomeOrder::LabelTime));
    if loss == LossKind::LogLoss && !all_fit(&methods, "a log loss", report) {
        return None;
    }
    let by_segment = by_segment.value_or(false);
    let written = WrittenDetectors { loss, loss_at, order, by_segment, methods };
    Some(Spanned { value: Some(written), at: item.at() })
}

/// All keys of the section.
const KEYS: [&str; 9] = ["loss", "order", "by_segment", "adwin", "ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley"];

/// True if such a detector reads losses of any size, and not only those from 0 to 1.
fn takes_any_size(parameters: &DetectorParameters) -> bool {
    parameters.kind().takes(2.0)
}

/// Reports methods that need losses from 0 to 1, where losses are `what`.
fn all_fit(methods: &[(DetectorParameters, At)], what: &str, report: &mut Report) -> bool {
    for (parameters, at) in methods.iter().filter(|(parameters, _)| !takes_any_size(parameters)) {
        let name = parameters.kind().name();
        report
            .error(at, format!("`{name}` reads losses from 0 to 1, and {what} can be larger"))
            .help("use `adwin` or `page_hinkley`");
    }
    methods.iter().all(|(parameters, _)| takes_any_size(parameters))
}

/// The detectors of a model: what of them is written for it, or inherited and of use to its task.
pub(super) fn settings(
    model: &RawModel,
    defaults: &RawModel,
    task: Option<TaskKind>,
    report: &mut Report,
) -> Option<Detectors> {
    let written = model.detectors.or(&defaults.detectors).written()?.value.as_ref()?;
    let WrittenDetectors { loss, loss_at, order, by_segment, methods } = written;
    let mut methods = methods.clone();
    if task == Some(TaskKind::Regression) {
        let is_own = model.detectors.written().is_some();
        if is_own && *loss == LossKind::LogLoss {
            let at = loss_at.as_ref().unwrap_or(&methods.first()?.1);
            report.error(at, "predictions of a number have no log loss").help("write `loss: error`, or leave it out");
            return None;
        }
        if is_own && !all_fit(&methods, "an absolute error", report) {
            return None;
        }
        methods.retain(|(parameters, _)| *loss == LossKind::Error && takes_any_size(parameters));
    }
    let methods: Vec<DetectorParameters> = methods.into_iter().map(|(parameters, _)| parameters).collect();
    (!methods.is_empty()).then_some(Detectors { loss: *loss, order: *order, by_segment: *by_segment, methods })
}

/// The parameters of one detector as they are read: which were written where, and whether any is wrong.
struct Parameters<'s, 'a, 'r> {
    section: &'s mut Section<'a>,
    report: &'r mut Report,
    places: Vec<(&'static str, At)>,
    is_broken: bool,
}

impl Parameters<'_, '_, '_> {
    fn read<T: Copy>(
        &mut self,
        key: &'static str,
        value: &mut T,
        read: impl FnOnce(&Item<'_>, &mut Report) -> Option<Spanned<T>>,
    ) {
        let Some(item) = self.section.take(key) else { return };
        match read(&item, self.report) {
            Some(read) => {
                *value = read.value;
                self.places.push((key, read.at));
            }
            None => self.is_broken = true,
        }
    }

    fn number(&mut self, key: &'static str, value: &mut f64) {
        const FINITE: RangeInclusive<f64> = f64::MIN..=f64::MAX;
        self.read(key, value, |item, report| item.number(report, FINITE, "a finite number"));
    }

    fn count(&mut self, key: &'static str, value: &mut u32) {
        self.read(key, value, |item, report| item.count(report, 0..=u32::MAX));
    }

    fn flag(&mut self, key: &'static str, value: &mut bool) {
        self.read(key, value, |item, report| item.choice(report, &[("true", true), ("false", false)]));
    }
}

fn read_method(kind: DetectorKind, item: &Item<'_>, report: &mut Report) -> Option<DetectorParameters> {
    let mut section = Section::open(item, report)?;
    let mut read = Parameters { section: &mut section, report, places: Vec::new(), is_broken: false };
    let parameters = read_parameters(kind, &mut read);
    let Parameters { places, is_broken, .. } = read;
    section.finish(report, &[], &[]);
    if is_broken {
        return None;
    }
    match parameters.check() {
        Ok(()) => Some(parameters),
        Err(ParameterError { parameter, must_be }) => {
            let place = places.iter().find(|(key, _)| *key == parameter).map(|(_, at)| at.clone());
            report
                .error(&place.unwrap_or_else(|| item.at()), format!("`{parameter}` is out of range"))
                .expected(must_be);
            None
        }
    }
}

fn read_parameters(kind: DetectorKind, read: &mut Parameters<'_, '_, '_>) -> DetectorParameters {
    match kind {
        DetectorKind::Adwin => {
            let mut adwin = AdwinParameters::default();
            read.number("delta", &mut adwin.delta);
            read.count("clock", &mut adwin.clock);
            read.count("max_buckets", &mut adwin.max_buckets);
            read.count("min_window_length", &mut adwin.min_window_length);
            read.count("grace_period", &mut adwin.grace_period);
            DetectorParameters::Adwin(adwin)
        }
        DetectorKind::Ddm => {
            let mut ddm = DdmParameters::default();
            read.count("warm_start", &mut ddm.warm_start);
            read.number("warning_threshold", &mut ddm.warning_threshold);
            read.number("drift_threshold", &mut ddm.drift_threshold);
            DetectorParameters::Ddm(ddm)
        }
        DetectorKind::Eddm => {
            let mut eddm = EddmParameters::default();
            read.count("warm_start", &mut eddm.warm_start);
            read.number("alpha", &mut eddm.alpha);
            read.number("beta", &mut eddm.beta);
            DetectorParameters::Eddm(eddm)
        }
        DetectorKind::HddmA => {
            let mut hddm = HddmAParameters::default();
            read.number("drift_confidence", &mut hddm.drift_confidence);
            read.number("warning_confidence", &mut hddm.warning_confidence);
            read.flag("two_sided", &mut hddm.two_sided);
            DetectorParameters::HddmA(hddm)
        }
        DetectorKind::HddmW => {
            let mut hddm = HddmWParameters::default();
            read.number("drift_confidence", &mut hddm.drift_confidence);
            read.number("warning_confidence", &mut hddm.warning_confidence);
            read.number("lambda", &mut hddm.lambda);
            read.flag("two_sided", &mut hddm.two_sided);
            DetectorParameters::HddmW(hddm)
        }
        DetectorKind::PageHinkley => {
            let mut test = PageHinkleyParameters::default();
            read.count("min_instances", &mut test.min_instances);
            read.number("delta", &mut test.delta);
            read.number("threshold", &mut test.threshold);
            read.number("alpha", &mut test.alpha);
            let directions = [("up", Direction::Up), ("down", Direction::Down), ("both", Direction::Both)];
            read.read("direction", &mut test.direction, |item, report| item.choice(report, &directions));
            DetectorParameters::PageHinkley(test)
        }
    }
}
