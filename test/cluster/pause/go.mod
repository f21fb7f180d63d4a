module weightlock.dev/test/pause

go 1.26
