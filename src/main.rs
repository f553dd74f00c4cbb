//! tmp
use std::sync::Arc;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let settings = Arc::new(postdict::event::Settings::default());
    let f = |s: &str| Some(postdict::codec::FieldPath::Value(vec![s.to_owned()]));
    let layout = postdict::replay::Layout {
        predictions: (postdict::codec::Format::Json, postdict::codec::PredictionFields {
            request_id: f("request_id").unwrap(), model_id: f("model_id").unwrap(), model_version: f("model_version"), timestamp: f("timestamp").unwrap(),
            score: f("score"), predicted_label: f("predicted_label"), scores: f("scores"), predicted_value: f("predicted_value"), features: f("features"), attributes: f("attributes"), latency_ms: f("latency_ms"), error: f("error"), segments: Default::default() }),
        labels: (postdict::codec::Format::Json, postdict::codec::LabelFields { request_id: f("request_id").unwrap(), timestamp: f("timestamp").unwrap(), label: f("label").unwrap(), deleted: f("deleted"), weight: f("weight"), model_id: f("model_id") }),
        segment_columns: settings.segment_columns(),
    };
    let r = postdict::replay::Replay { predictions: vec![args[1].clone().into()], labels: vec![args[2].clone().into()], layout, settings, at_end: postdict::replay::AtEnd::Close, revisions: postdict::assess::Revisions::Ended, with_labelled: args.len() > 4, from: None, to: None, limit: None };
    let out = postdict::replay::OutputFiles::create(std::path::Path::new(&args[3]), args.len() > 4).unwrap();
    let p = postdict::replay::Progress::new(1, false);
    let t = std::time::Instant::now();
    let s = r.run(out, &p, &std::sync::atomic::AtomicBool::new(false)).unwrap();
    println!("{s:#?} {:?} {:?}", t.elapsed(), s.accounting.check());
}
