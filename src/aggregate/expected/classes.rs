//! The expected confusion matrices of many classes, each against all others: what every estimated metric needs, in room
//! that grows with the number of classes and not with its square.

use super::ExpectedConfusion;
use crate::aggregate::{ClassId, Linear};

/// One matrix per class that was predicted or got a probability above 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectedClasses {
    /// Sorted by class, without empty ones. The *others* of a class are only rows that gave it a probability above 0.
    classes: Vec<(ClassId, ExpectedConfusion)>,
}

impl ExpectedClasses {
    /// Adds a row (`sign` 1) or takes it back (`sign` −1): the class predicted, and the probability of each class, in
    /// [0, 1], each class at most once, in any order.
    pub fn add(&mut self, sign: i64, predicted: ClassId, probabilities: &[(ClassId, f64)]) {
        let mut has_predicted = false;
        for &(class, probability) in probabilities {
            has_predicted |= class == predicted;
            if probability > 0.0 || class == predicted {
                self.change(class, |confusion| confusion.add(sign, class == predicted, probability));
            }
        }
        if !has_predicted {
            self.change(predicted, |confusion| confusion.add(sign, true, 0.0));
        }
    }

    /// The classes in order, each with its matrix.
    pub fn classes(&self) -> &[(ClassId, ExpectedConfusion)] {
        &self.classes
    }

    /// All rows: each was predicted to be of one class.
    pub fn rows(&self) -> i64 {
        self.classes.iter().map(|(_, confusion)| confusion.predicted.rows).sum()
    }

    /// Renumbers classes: class `c` becomes `table[c]`; what the table maps to one class is added up. Ids are local to a
    /// partition, so its sums are renumbered before they meet others'.
    ///
    /// # Panics
    /// If a class is not in the table.
    pub fn remap(&mut self, table: &[ClassId]) {
        for (class, confusion) in std::mem::take(&mut self.classes) {
            self.change(table[usize::from(class.0)], |mine| mine.merge(&confusion));
        }
    }

    /// Puts a matrix behind those of smaller classes; false where it does not belong there or is empty.
    pub(in crate::aggregate) fn push(&mut self, class: ClassId, confusion: ExpectedConfusion) -> bool {
        let belongs = self.classes.last().is_none_or(|last| last.0 < class) && !confusion.is_zero();
        if belongs {
            self.classes.push((class, confusion));
        }
        belongs
    }

    /// Changes the matrix of `class`; one that becomes empty is forgotten.
    fn change(&mut self, class: ClassId, change: impl FnOnce(&mut ExpectedConfusion)) {
        let place = self.classes.binary_search_by_key(&class, |entry| entry.0).unwrap_or_else(|place| {
            self.classes.insert(place, (class, ExpectedConfusion::default()));
            place
        });
        let confusion = &mut self.classes[place].1;
        change(confusion);
        if confusion.is_zero() {
            self.classes.remove(place);
        }
    }
}

impl Linear for ExpectedClasses {
    fn merge(&mut self, other: &Self) {
        for (class, confusion) in &other.classes {
            self.change(*class, |mine| mine.merge(confusion));
        }
    }

    fn negate(&mut self) {
        self.classes.iter_mut().for_each(|(_, confusion)| confusion.negate());
    }

    fn is_zero(&self) -> bool {
        self.classes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClassId = ClassId(0);
    const B: ClassId = ClassId(1);

    #[test]
    fn a_class_without_a_probability_is_known_by_its_prediction() {
        let mut classes = ExpectedClasses::default();
        classes.add(1, A, &[(B, 1.0)]);
        classes.add(1, B, &[(A, 0.0), (B, 0.5)]);
        assert_eq!(classes.rows(), 2);
        let [(_, a), (_, b)] = classes.classes() else { panic!("{classes:?}") };
        assert_eq!((a.predicted.rows, a.predicted.probability.to_f64(), a.others.rows), (1, 0.0, 0));
        assert_eq!((b.predicted.probability.to_f64(), b.others.probability.to_f64()), (0.5, 1.0));
        classes.remap(&[B, B]);
        assert_eq!((classes.classes().len(), classes.rows()), (1, 2));
    }
}
