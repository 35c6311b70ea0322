//! Benchmark harness for Korean language models.
