/** Whether a topic may be published to (MQTT 5 section 4.7): not empty, without wildcards or NUL. */
export const validTopic = (topic: string): boolean =>
  topic.length > 0 && Buffer.byteLength(topic) <= 65_535 && !/[+#\0]/.test(topic);

/** Whether a filter is well formed (MQTT 5 section 4.7.1): `+` and `#` only as whole levels, `#` only at the end. */
export const validFilter = (filter: string): boolean => {
  if (filter.length === 0 || filter.length > 65_535 || filter.includes("\0")) return false;
  const levels = filter.split("/");
  return levels.every(
    (level, index) => level === "+" || (level === "#" && index === levels.length - 1) || !/[+#]/.test(level),
  );
};

/** Whether a filter matches a topic. Wildcards at the start do not match `$` topics (MQTT 5 section 4.7.2). */
export const matches = (filter: string, topic: string): boolean => {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  if (topic.startsWith("$") && (wanted[0] === "#" || wanted[0] === "+")) return false;
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (index >= levels.length) return false;
    if (level !== "+" && level !== levels[index]) return false;
  }
  return wanted.length === levels.length;
};

/** Whether every topic that `inner` can match is also matched by `outer`: an access rule holds for a filter. */
export const covers = (outer: string, inner: string): boolean => {
  const rule = outer.split("/");
  const asked = inner.split("/");
  for (const [index, level] of rule.entries()) {
    if (level === "#") return true;
    const wanted = asked[index];
    if (wanted === undefined || wanted === "#") return false;
    if (level !== "+" && level !== wanted) return false;
  }
  return rule.length === asked.length;
};
