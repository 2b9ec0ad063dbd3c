/**
 * What an app's database, lock and caches are called: a browser shares them among all apps at one origin. `path` is that of
 * the folder that the app is in, with a slash at both ends; no other app's name begins like this one and a blank.
 */
export const nameAt = (path: string): string => `porchlight ${path}`;
