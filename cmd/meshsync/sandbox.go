package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox"
)

func newSandbox(e *environment, g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the mesh's cluster in a box: real SSH servers, stub services, a Marathon",
		Long: `A sandbox is the cluster that a mesh describes, as processes on this machine: an SSH
server for each host, over a folder as its root, and a Marathon that behaves as the
real one does on the wire. Every command takes --connect to work on it.

  meshsync sandbox up --dir /tmp/box -C prod
  meshsync plan -C prod --connect /tmp/box/connect.json
  meshsync sandbox fault --dir /tmp/box m2 unreachable
  meshsync sandbox down --dir /tmp/box
` + exitCodeHelp,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	dir := ""
	c.PersistentFlags().StringVar(&dir, "dir", "", "the sandbox's `FOLDER`")
	c.AddCommand(sandboxUp(e, g, &dir), sandboxServe(e, g, &dir), sandboxDown(e, &dir), sandboxStatus(e, &dir), sandboxFault(e, &dir))
	return c
}

func needDir(dir string) error {
	if dir == "" {
		return usage("name the sandbox's folder with --dir")
	}
	return nil
}

func sandboxUp(e *environment, g *globals, dir *string) *cobra.Command {
	idle := 2 * time.Hour
	c := &cobra.Command{
		Use:   "up [MESH]",
		Short: "Start a sandbox in the background",
		Args:  dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needDir(*dir); err != nil {
				return err
			}
			if err := ownFolder(*dir); err != nil {
				return err
			}
			exe, err := os.Executable()
			if err != nil {
				return err
			}
			args := []string{"sandbox", "serve", "--dir", *dir, "--idle", idle.String()}
			args = append(args, meshArgs(g)...)
			if err := sandbox.Spawn(exe, args, *dir); err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "The sandbox runs; it ends by itself after %s without a command.\nnext: meshsync plan%s --connect %s\n",
				idle, again(c, g), shellWord(filepath.Join(*dir, "connect.json")))
			return nil
		},
	}
	c.Flags().DurationVar(&idle, "idle", idle, "end after this time without a connection")
	return c
}

// ownFolder refuses a folder that holds anything but a sandbox.
func ownFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return nil // it is made, or the sandbox says why it cannot be
	}
	if _, err := os.Stat(filepath.Join(dir, "hosts")); err == nil {
		return nil
	}
	return usage("%s has files in it and is no sandbox's folder: name a new one", dir)
}

// meshArgs are the flags by which the background process finds the same mesh.
func meshArgs(g *globals) []string {
	var out []string
	if g.dir != "" {
		out = append(out, "-C", g.dir)
	}
	if g.ref != "" {
		out = append(out, "--ref", g.ref)
	}
	if g.worktree {
		out = append(out, "--worktree")
	}
	return out
}

// sandboxServe is what runs in the background.
func sandboxServe(e *environment, g *globals, dir *string) *cobra.Command {
	idle := 2 * time.Hour
	c := &cobra.Command{
		Use:    "serve [MESH]",
		Short:  "Run a sandbox in the foreground",
		Hidden: true,
		Args:   dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needDir(*dir); err != nil {
				return err
			}
			d, err := loadDesired(e, g)
			if err != nil {
				return err
			}
			defer d.close()
			o := sandboxOptions(*dir, d.mesh)
			o.Idle = idle
			e.collectAsServer()
			return sandbox.Serve(c.Context(), o)
		},
	}
	c.Flags().DurationVar(&idle, "idle", idle, "end after this time without a connection")
	return c
}

func sandboxDown(e *environment, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "End a sandbox", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := needDir(*dir); err != nil {
				return err
			}
			if err := sandbox.Down(*dir); err != nil {
				return err
			}
			fmt.Fprintln(e.stdout, "The sandbox has ended; its files are in "+*dir+".")
			return nil
		},
	}
}

func sandboxStatus(e *environment, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say what runs in a sandbox", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := needDir(*dir); err != nil {
				return err
			}
			text, err := sandbox.Status(*dir)
			if err != nil {
				return err
			}
			fmt.Fprint(e.stdout, text)
			return nil
		},
	}
}

func sandboxFault(e *environment, dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "fault TARGET NAME[=ARG]",
		Short: "Make a fault on a host or Marathon, or end it with NAME=off",
		Long:  "Make a fault in a sandbox, on TARGET or on all hosts that match it ('a*'). Faults:\n\n  " + strings.Join(sandbox.Faults(), "\n  ") + "\n",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("want a host or Marathon and a fault, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := needDir(*dir); err != nil {
				return err
			}
			name, arg, _ := strings.Cut(args[1], "=")
			if err := sandbox.Fault(*dir, args[0], name, arg); err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%s: %s\n", args[0], args[1])
			return nil
		},
	}
}

// sandboxOptions describes the cluster of a mesh: its hosts with the units that the
// mesh names and the packages that they could install, and its Marathons.
func sandboxOptions(dir string, m *mesh.Mesh) sandbox.Options {
	o := sandbox.Options{Dir: dir}
	for _, h := range m.Hosts {
		host := sandbox.HostOptions{Name: h.Name, Address: h.Address}
		for _, r := range m.ResourcesOf(mesh.Host(h.Name)) {
			if version, ok := r.Attrs["version"].(string); ok && r.Addr.Kind == mesh.Package {
				host.Packages = append(host.Packages, sandbox.PackageOptions{Name: r.Addr.Name, Versions: []string{version}})
			}
			if r.Addr.Kind == mesh.Service {
				host.Units = append(host.Units, unitOptions(r))
			}
		}
		o.Hosts = append(o.Hosts, host)
	}
	for _, x := range m.Marathons {
		o.Marathons = append(o.Marathons, x.Name)
	}
	return o
}

// unitOptions are a unit that answers where it is checked.
func unitOptions(r mesh.Resource) sandbox.UnitOptions {
	o := sandbox.UnitOptions{Name: r.Addr.Name, Kind: unitKind(r.Service)}
	if r.Service == nil {
		return o
	}
	o.Reload = r.Service.On == mesh.OnReload
	if r.Service.Check == nil {
		return o
	}
	if o.Port = r.Service.Check.Port; r.Service.Check.OfSocket() {
		o.Socket = r.Service.Check.Path
	}
	return o
}

// unitKind is what the sandbox runs in a unit's place, told by how it is checked.
func unitKind(s *mesh.ServiceSpec) string {
	if s == nil || s.Check == nil {
		return "generic"
	}
	switch s.Check.Kind {
	case "zookeeper.ensemble":
		return "zookeeper"
	case "mesos.masters":
		return "mesos-master"
	case "mesos.agent":
		return "mesos-agent"
	case "marathon", "consul", "haproxy", "docker":
		return s.Check.Kind
	default:
		return "generic"
	}
}

// exampleFiles reads the embedded example as the files of a CUE module.
func exampleFiles() (map[string][]byte, error) {
	out := map[string][]byte{}
	root, err := fs.Sub(meshsync.ExampleRepo, "example-repo")
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".cue") {
			return err
		}
		data, err := fs.ReadFile(root, name)
		out[name] = data
		return err
	})
	return out, err
}
