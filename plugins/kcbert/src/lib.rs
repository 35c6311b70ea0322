//! KcBERT (base, large, and the bundled demo) as a kobench plugin.
