//! References that are announced while the service runs, beside those that are written in the configuration.

use super::Config;
use super::reference::{boundary_after, of_another};
use super::segments::check_bins;
use crate::codec::PredictionDecoder;
use crate::event::{AnnouncedReference, ModelSettings, Reference, Settings};
use std::sync::Arc;

impl Config {
    /// The settings with these references too. Where the configuration has one of the same model from the same time on, the
    /// announced one takes its place.
    pub fn settings_with<'a>(&self, announced: impl IntoIterator<Item = &'a AnnouncedReference>) -> Settings {
        let mut settings = self.settings.clone();
        for AnnouncedReference { model_id, from_ms, profile } in announced {
            let model = Arc::clone(settings.model(model_id));
            let model = settings.models.entry(model_id.to_string()).or_insert(model);
            let references = &mut Arc::<ModelSettings>::make_mut(model).references;
            references.retain(|known| known.from_ms != *from_ms);
            references.push(Reference { id: profile.id, from_ms: *from_ms, profile: Some(Arc::clone(profile)) });
            references.sort_by_key(Reference::begins);
        }
        settings
    }

    /// Why `announced` should not begin when it does: windows of some size do not begin then, and those that it comes into
    /// force within are compared with nothing. One that is in force stays so where sizes were added since.
    pub fn off_boundary(&self, announced: &AnnouncedReference) -> Option<String> {
        let next = boundary_after(announced.from_ms?, self.settings.model(&announced.model_id))?;
        Some(format!(
            "it would come into force within a window, which would then mix two: name a time at which a window of every size \
             begins, such as {next}"
        ))
    }

    /// Why `announced` cannot be used; `None` if it can.
    pub fn refusal(&self, announced: &AnnouncedReference) -> Option<String> {
        let AnnouncedReference { model_id, profile, .. } = announced;
        if model_id.is_empty() {
            return Some("it names no model".to_owned());
        }
        let model = self.settings.model(model_id);
        if let Some((why, _)) = of_another(profile, model_id, model).next() {
            return Some(why);
        }
        if let Err(why) = check_bins(model_id, model, profile) {
            return Some(why);
        }
        let columns = self.settings_with([announced]).columns();
        let decoder = PredictionDecoder::try_new(&self.predictions.format, &self.predictions.fields, &columns);
        decoder.err().map(|error| format!("its features cannot be read: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::profile::samples::profile;
    use crate::event::{Millis, TaskKind};

    const DAY: Millis = 86_400_000;

    fn announced(from_ms: Option<Millis>) -> AnnouncedReference {
        AnnouncedReference { model_id: "m".into(), from_ms, profile: Arc::new(profile()) }
    }

    fn begins(settings: &Settings, model: &str) -> Vec<Option<Millis>> {
        settings.model(model).references.iter().map(|reference| reference.from_ms).collect()
    }

    #[test]
    fn announced_references_stand_beside_those_of_the_configuration() {
        let config = Config { settings: Config::default().settings_with(&[announced(Some(DAY))]), ..Config::default() };
        let both = config.settings_with(&[announced(Some(2 * DAY)), announced(None)]);
        assert_eq!(begins(&both, "m"), [None, Some(DAY), Some(2 * DAY)]);
        assert_eq!(begins(&both, "another"), []);
        assert_eq!(
            begins(&config.settings_with(&[announced(Some(DAY))]), "m"),
            [Some(DAY)],
            "in the place of the other"
        );
        let columns = both.columns().features;
        assert_eq!(columns, ["amount", "country"]);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let mut config = Config::default();
        assert_eq!(config.refusal(&announced(Some(DAY))), None);
        let says = |config: &Config, announced: &AnnouncedReference, what: &str| {
            let why = config.refusal(announced);
            assert!(why.as_deref().is_some_and(|why| why.contains(what)), "{why:?}");
        };
        says(&config, &AnnouncedReference { model_id: "".into(), ..announced(None) }, "no model");
        says(&config, &AnnouncedReference { model_id: "n".into(), ..announced(None) }, "of model `m`, not of `n`");
        let off = config.off_boundary(&announced(Some(DAY + 1)));
        assert!(off.is_some_and(|why| why.contains("such as 1970-01-03T00:00:00Z")));
        assert_eq!(config.off_boundary(&announced(Some(DAY))), None);
        let regression = ModelSettings { task: Some(TaskKind::Regression), ..ModelSettings::default() };
        config.settings.models.insert("m".to_owned(), Arc::new(regression));
        says(&config, &announced(None), "of a binary model, and `m` is regression");
    }
}
