package stack

// bucket takes a bucket with its default lock: versions are kept where there is one, and there alone.
func (r *reader) bucket(id string, p *properties) {
	b := Bucket{Name: r.attributes(resource{id: id, kind: "AWS::S3::Bucket"})[""]}
	locked := p.boolean("ObjectLockEnabled")
	if locked {
		lock := p.sub("ObjectLockConfiguration")
		lock.only("ObjectLockEnabled", "Enabled")
		rule := lock.sub("Rule")
		retention := rule.sub("DefaultRetention")
		b.Mode, b.Days = retention.required("Mode"), retention.integer("Days", 0)
		retention.end()
		rule.end()
		lock.end()
		versioning := p.sub("VersioningConfiguration")
		versioning.only("Status", "Enabled")
		versioning.end()
	}
	r.stack.Buckets = append(r.stack.Buckets, b)
}
