//! Names of one model's versions, segment values and classes, interned for ASSESS.

use super::cells::{GroupId, VersionId};
use crate::aggregate::partial::{ModelName, SeriesName};
use crate::aggregate::{ClassId, ClassNames};
use crate::event::{Millis, ModelSettings};
use hashbrown::HashMap;
use std::sync::Arc;

/// A segment value of one model, or the whole model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    /// Index of the segment set; `None` for the whole model.
    pub set: Option<u16>,
    /// `""` for the whole model, and where all groups of the set are compared; a column's value may be `""` too.
    pub value: Arc<str>,
    /// What its rows are about.
    pub kind: GroupKind,
}

/// What the rows of a group are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// The rows of a segment value, or of the whole model.
    Value,
    /// The comparison over all groups of the set.
    Comparison,
    /// The features of the rows of a segment value, or of the whole model: apart, because labels change nothing about them.
    Features,
    /// What the reference's labels let expect of the whole model: apart, because it takes few bytes, and labels are
    /// compared with it.
    Expectations,
    /// How far these have moved from other windows; `value` says which.
    Moving,
}

/// Everything of one model that has a name.
#[derive(Debug)]
pub struct Names {
    groups: Vec<Group>,
    groups_by_name: HashMap<Group, GroupId>,
    versions: Vec<Arc<str>>,
    versions_by_name: HashMap<Arc<str>, VersionId>,
    features: Vec<Arc<str>>,
    features_by_name: HashMap<Arc<str>, u16>,
    /// The model's classes.
    pub classes: ClassNames,
    /// `segment_key` per segment set: those of the configuration, then those that it had.
    pub segment_keys: Vec<Arc<str>>,
    /// Per segment set: of panes that start before, not every prediction has a value in it, so they get no groups of it.
    pub begins: Vec<Millis>,
    /// How many of the segment sets the configuration has.
    pub configured: usize,
}

/// What a series of JOIN is part of.
#[derive(Debug)]
pub struct Membership {
    /// The whole model, and a group per segment set.
    pub groups: Vec<GroupId>,
    /// Configured segment sets that its predictions have no value in.
    pub lacks: Vec<usize>,
}

/// The whole model.
pub const WHOLE: GroupId = GroupId(0);

/// The features of the whole model.
pub const FEATURES: GroupId = GroupId(1);

/// What is expected of the whole model.
pub const EXPECTATIONS: GroupId = GroupId(2);

impl Names {
    /// Only the whole model is known.
    pub fn new(settings: &ModelSettings, max_classes: usize) -> Self {
        let mut names = Names {
            groups: Vec::new(),
            groups_by_name: HashMap::new(),
            versions: Vec::new(),
            versions_by_name: HashMap::new(),
            features: Vec::new(),
            features_by_name: HashMap::new(),
            classes: ClassNames::new(max_classes),
            segment_keys: settings.segments.iter().map(|set| set.key().into()).collect(),
            begins: vec![Millis::MIN; settings.segments.len()],
            configured: settings.segments.len(),
        };
        names.group_id(Group { set: None, value: "".into(), kind: GroupKind::Value });
        names.group_id(Group { set: None, value: "".into(), kind: GroupKind::Features });
        names.group_id(Group { set: None, value: "".into(), kind: GroupKind::Expectations });
        names
    }

    /// What `series` of `model` is part of. Values in segment sets that are not known here are left out.
    pub fn membership(&mut self, model: &ModelName, series: &SeriesName) -> Membership {
        let Some(values) = &series.segments else { return Membership { groups: vec![WHOLE], lacks: Vec::new() } };
        let mut groups = vec![WHOLE];
        let mut has = vec![false; self.segment_keys.len()];
        for (key, value) in model.segment_keys.iter().zip(values) {
            if let Some(place) = self.segment_keys.iter().position(|known| known == key) {
                has[place] = true;
                let group = Group { set: Some(place as u16), value: Arc::clone(value), kind: GroupKind::Value };
                groups.push(self.group_id(group));
            }
        }
        let lacks = (0..self.configured).filter(|place| !has[*place]).collect();
        Membership { groups, lacks }
    }

    /// The version called `name`, made if it is new.
    pub fn version_id(&mut self, name: &Arc<str>) -> VersionId {
        if let Some(id) = self.versions_by_name.get(name) {
            return *id;
        }
        let id = VersionId(self.versions.len() as u32);
        self.versions.push(Arc::clone(name));
        self.versions_by_name.insert(Arc::clone(name), id);
        id
    }

    /// The number of the feature called `name`, given to it if it is new. More than there are numbers share the last.
    pub fn feature_number(&mut self, name: &Arc<str>) -> u16 {
        if let Some(number) = self.features_by_name.get(name) {
            return *number;
        }
        let number = u16::try_from(self.features.len()).unwrap_or(u16::MAX);
        self.features.push(Arc::clone(name));
        self.features_by_name.insert(Arc::clone(name), number);
        number
    }

    /// All features, by their number.
    pub fn features(&self) -> &[Arc<str>] {
        &self.features
    }

    /// For the classes of a batch, in its numbering, their numbers here.
    pub fn class_ids(&mut self, model: &ModelName) -> Vec<ClassId> {
        model.classes.iter().map(|name| self.classes.intern(name)).collect()
    }

    /// What `id` stands for.
    pub fn group(&self, id: GroupId) -> &Group {
        &self.groups[id.0 as usize]
    }

    /// `segment_key` of `id`'s rows; `None` for the whole model.
    pub fn segment_key(&self, id: GroupId) -> Option<&Arc<str>> {
        self.group(id).set.map(|set| &self.segment_keys[usize::from(set)])
    }

    /// The group that stands for the comparison over all groups of a segment set: its value is `""`.
    pub fn over_groups(&mut self, set: u16) -> GroupId {
        self.group_id(Group { set: Some(set), value: "".into(), kind: GroupKind::Comparison })
    }

    /// The group that stands for the comparison of a window with others, of which `kind` says which.
    pub fn moving(&mut self, kind: &Arc<str>) -> GroupId {
        self.group_id(Group { set: None, value: Arc::clone(kind), kind: GroupKind::Moving })
    }

    /// The group of the features of `id`, which has rows.
    pub fn features_of(&mut self, id: GroupId) -> GroupId {
        if id == WHOLE {
            return FEATURES;
        }
        let group = Group { kind: GroupKind::Features, ..self.group(id).clone() };
        self.group_id(group)
    }

    /// All groups, by their number.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All versions, by their number.
    pub fn versions(&self) -> &[Arc<str>] {
        &self.versions
    }

    /// The place of the segment set with `key`; one that the configuration does not name any more gets a place behind
    /// the others.
    pub fn place_of(&mut self, key: Arc<str>) -> u16 {
        let place = self.segment_keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            self.segment_keys.push(key);
            self.begins.push(Millis::MIN);
            self.segment_keys.len() - 1
        });
        place as u16
    }

    /// Adds the next group of a snapshot.
    pub fn restore_group(&mut self, group: Group) {
        self.group_id(group);
    }

    /// Name of a version.
    pub fn version(&self, id: VersionId) -> &Arc<str> {
        &self.versions[id.0 as usize]
    }

    fn group_id(&mut self, group: Group) -> GroupId {
        if let Some(id) = self.groups_by_name.get(&group) {
            return *id;
        }
        let id = GroupId(self.groups.len() as u32);
        self.groups.push(group.clone());
        self.groups_by_name.insert(group, id);
        id
    }
}
