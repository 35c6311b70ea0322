//! Tasks and published numbers are embedded into the binary: a file that comes or goes must rebuild it.

fn main() {
    println!("cargo::rerun-if-changed=../tasks");
    println!("cargo::rerun-if-changed=../results/published");
}
