"""Templates of the pages; a package, so that the page's fingerprint covers them."""
