//! Arrays that are read lazily: the reader walks one once, so that it is known to be right, and keeps only where it
//! lies; iterating reads the elements again, each when it is wanted. So no array that a client sends is memory of
//! ours until somebody collects it and pays for it out of a [`Budget`].
//!
//! For writing, an array is made from a `Vec`.

use core::fmt;

use crate::WireError;
use crate::budget::Budget;
use crate::element::Element;
use crate::form::Form;
use crate::reader::Reader;

/// Many of one type, in a frame or in memory.
#[derive(Clone)]
pub struct Array<'a, T> {
    place: Place<'a, T>,
}

#[derive(Clone)]
enum Place<'a, T> {
    /// Exactly `count` elements that decoded without an error when the reader walked over them.
    Frame {
        bytes: &'a [u8],
        count: u32,
        form: Form,
    },
    Memory(Vec<T>),
}

impl<'a, T: Element<'a>> Array<'a, T> {
    /// Only for the reader, which has just decoded `count` elements out of all of `bytes`.
    pub(crate) fn walked(bytes: &'a [u8], count: u32, form: Form) -> Array<'a, T> {
        Array { place: Place::Frame { bytes, count, form } }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.place {
            Place::Frame { count, .. } => *count as usize,
            Place::Memory(elements) => elements.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, each by value: read from the frame when asked for, or cloned.
    pub fn iter(&self) -> Iter<'a, '_, T> {
        match &self.place {
            Place::Frame { bytes, count, form } => {
                Iter { source: Source::Frame { reader: Reader::new(bytes), left: *count, form: *form } }
            }
            Place::Memory(elements) => Iter { source: Source::Memory(elements.iter()) },
        }
    }

    /// The elements in memory, paid for out of `budget`.
    pub fn collect(&self, budget: &mut Budget) -> Result<Vec<T>, WireError> {
        budget.charge::<T>(self.len())?;
        // Not `Iterator::collect`: that would take room for four where one was paid for.
        let mut elements = Vec::with_capacity(self.len());
        elements.extend(self.iter());
        Ok(elements)
    }

    /// Calls `act` for each until one fails; elements in memory are not cloned for it.
    pub(crate) fn try_for_each(&self, mut act: impl FnMut(&T) -> Result<(), WireError>) -> Result<(), WireError> {
        match &self.place {
            Place::Frame { .. } => self.iter().try_for_each(|element| act(&element)),
            Place::Memory(elements) => elements.iter().try_for_each(act),
        }
    }
}

impl<T> Default for Array<'_, T> {
    fn default() -> Self {
        Array { place: Place::Memory(Vec::new()) }
    }
}

impl<T> From<Vec<T>> for Array<'_, T> {
    fn from(elements: Vec<T>) -> Self {
        Array { place: Place::Memory(elements) }
    }
}

impl<T> FromIterator<T> for Array<'_, T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Vec::from_iter(elements).into()
    }
}

impl<'a, T: Element<'a> + PartialEq> PartialEq for Array<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<'a, T: Element<'a> + fmt::Debug> fmt::Debug for Array<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, 's, T: Element<'a>> IntoIterator for &'s Array<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, 's, T>;

    fn into_iter(self) -> Iter<'a, 's, T> {
        self.iter()
    }
}

/// The elements of an [`Array`] by value.
#[derive(Clone)]
pub struct Iter<'a, 's, T> {
    source: Source<'a, 's, T>,
}

#[derive(Clone)]
enum Source<'a, 's, T> {
    Frame { reader: Reader<'a>, left: u32, form: Form },
    Memory(std::slice::Iter<'s, T>),
}

impl<'a, T: Element<'a>> Iterator for Iter<'a, '_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.source {
            Source::Frame { reader, left, form } => {
                *left = left.checked_sub(1)?;
                Some(T::decode(reader, *form).expect("the reader walked over these same bytes without an error"))
            }
            Source::Memory(elements) => elements.next().cloned(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.source {
            Source::Frame { left, .. } => *left as usize,
            Source::Memory(elements) => elements.len(),
        };
        (left, Some(left))
    }
}

impl<'a, T: Element<'a>> ExactSizeIterator for Iter<'a, '_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGID: Form = Form { version: 0, flexible: false };

    #[test]
    fn an_array_in_the_frame_equals_one_in_memory() {
        let bytes = [0, 0, 0, 2, 0, 7, 255, 255];
        let array: Array<'_, i16> = Reader::new(&bytes).array(RIGID).unwrap();
        assert_eq!(array, Array::from(vec![7, -1]));
        assert_ne!(array, Array::from(vec![7]));
        assert_eq!(array.iter().len(), 2);
        assert_eq!(format!("{array:?}"), "[7, -1]");
    }

    #[test]
    fn collecting_beyond_the_budget_is_refused_before_it_allocates() {
        let array = Array::from(vec![1i64; 100]);
        assert_eq!(array.collect(&mut Budget::of(799)), Err(WireError::Budget { wanted: 800, left: 799 }));
        let mut budget = Budget::of(1000);
        assert_eq!(array.collect(&mut budget).unwrap().len(), 100);
        assert_eq!(budget.left(), 200);
    }
}
