//! Model engine of the bundled kobench plugins: tokenisers, encoders, heads, packed ops.
