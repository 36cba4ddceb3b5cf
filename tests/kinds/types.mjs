// What TypeScript says of a text that stands in no file: each fault with its line, the first being 0.

import { join } from "node:path";
import ts from "typescript";

const options = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  noEmit: true,
  skipLibCheck: true,
  strict: true,
  target: ts.ScriptTarget.ES2022,
  types: [],
};

export function typeFaults(text) {
  const file = join(process.cwd(), "objects.ts");
  const host = ts.createCompilerHost(options);
  const [read, exists] = [host.getSourceFile.bind(host), host.fileExists.bind(host)];
  host.getSourceFile = (path, ...rest) => (path === file ? ts.createSourceFile(path, text, rest[0]) : read(path, ...rest));
  host.fileExists = (path) => path === file || exists(path);
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options, host)).map((diagnostic) => ({
    line: diagnostic.file === undefined ? 0 : diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line,
    words: ts.flattenDiagnosticMessageText(diagnostic.messageText, " "),
  }));
}
