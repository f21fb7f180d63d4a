// Paths of mounts as runtimes resolve them. The API server bounds neither their length nor their slashes: no regular expression here, because
// `/\/+$/` takes the square of a path of slashes, and a single pod would keep admission busy for minutes.

/** The path as the folder it names, `/` at its end: without empty components and those that are `.`. */
export const asFolder = (path: string): string => {
  const components = path.split('/').filter((component) => component !== '' && component !== '.');
  return components.length === 0 ? '/' : `/${components.join('/')}/`;
};
