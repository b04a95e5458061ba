//! A list cut into shared chunks: a clone costs one pointer a chunk, and a change to one item
//! copies its chunk only, so a reader keeps its snapshot while a writer goes on.

use std::sync::Arc;

const CHUNK: usize = 512;

/// A list of items numbered from 0 that only grows and whose clones share memory.
#[derive(Debug, Clone)]
pub struct Chunked<T> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Chunked {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Clone> Chunked<T> {
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item of a number.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.chunks
            .get(number as usize / CHUNK)?
            .get(number as usize % CHUNK)
    }

    /// The item of a number, for changing it; its chunk is copied first when a snapshot shares it.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        Arc::make_mut(self.chunks.get_mut(number as usize / CHUNK)?)
            .get_mut(number as usize % CHUNK)
    }

    /// Adds an item and returns its number.
    pub fn push(&mut self, item: T) -> u32 {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            Arc::make_mut(chunk).push(item);
        }
        self.len += 1;
        u32::try_from(self.len - 1).unwrap_or(u32::MAX)
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}
