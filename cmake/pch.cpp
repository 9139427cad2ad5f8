// The carrier of both precompiled headers.
